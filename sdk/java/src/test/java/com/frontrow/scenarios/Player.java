package com.frontrow.scenarios;

import com.frontrow.FrontrowClient;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Plays all scenarios of the stage that have a function, and appends the results to a file. */
public final class Player {
  private Player() {}

  /** Ends with status 1 if a scenario failed. */
  public static void main(String[] arguments) throws Exception {
    String address = System.getenv("FRONTROW_STAGE");
    if (address == null) {
      throw new IllegalStateException("FRONTROW_STAGE is not set: sdk/README.md has the command");
    }
    Map<String, Cast.Play> plays = new HashMap<>(Scenarios.PLAYS);
    plays.putAll(Troubles.PLAYS);
    Stage stage = new Stage(address);
    ExecutorService threads = Executors.newCachedThreadPool();
    boolean isGood = true;
    for (Stage.Scenario scenario : stage.scenarios()) {
      Cast.Play play = plays.get(scenario.name());
      if (play != null) {
        isGood &= playOne(play, stage, scenario, threads);
      }
    }
    System.exit(isGood ? 0 : 1);
  }

  private static boolean playOne(
      Cast.Play play, Stage stage, Stage.Scenario scenario, ExecutorService threads)
      throws IOException {
    String message = "";
    long started = System.nanoTime();
    try (FrontrowClient client = FrontrowClient.connect(stage.address("plain"))) {
      play.play(new Cast(stage, client, scenario.figures(), threads));
    } catch (Throwable failure) { // A failed comparison is an Error.
      message = describe(failure);
    }
    JsonObject result = new JsonObject();
    result.addProperty("language", "Java");
    result.addProperty("scenario", scenario.name());
    result.addProperty("outcome", message.isEmpty() ? "passed" : "failed");
    result.addProperty("seconds", (System.nanoTime() - started) / 1e9);
    result.addProperty("message", message);
    report(result + "\n");
    return message.isEmpty();
  }

  private static String describe(Throwable failure) {
    Throwable cause = failure.getCause();
    return cause == null ? failure.toString() : failure + ", because of " + describe(cause);
  }

  private static void report(String line) throws IOException {
    System.out.print(line);
    String file = System.getenv("FRONTROW_RESULTS");
    if (file != null) {
      Files.writeString(
          Path.of(file), line, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
  }
}
