package com.frontrow.scenarios;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The stage that FRONTROW_STAGE names: sdk/README.md lists its requests. */
final class Stage {
  /** Concerts of one artist, which no other concert has. */
  record Concerts(List<Long> ids, String artist) {}

  record Scenario(String name, Figures figures) {}

  private final String address;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final JsonObject addresses;

  Stage(String address) throws IOException, InterruptedException {
    this.address = address;
    addresses = send("GET", "/", Map.of());
  }

  /** The URL of {@code plain}, {@code tokens}, {@code strict} and so on. */
  String address(String name) {
    return addresses.get(name).getAsString();
  }

  List<Scenario> scenarios() throws IOException, InterruptedException {
    return elements(send("GET", "/scenarios", Map.of()), "scenarios")
        .map(JsonElement::getAsJsonObject)
        .map(
            each ->
                new Scenario(
                    each.get("name").getAsString(),
                    new Figures(each.get("figures").getAsJsonObject())))
        .toList();
  }

  Concerts concerts(Map<String, Object> body) throws IOException, InterruptedException {
    JsonObject made = send("POST", "/concerts", body);
    List<Long> ids = elements(made, "ids").map(JsonElement::getAsLong).toList();
    return new Concerts(ids, made.get("artist").getAsString());
  }

  long concert(Map<String, Object> body) throws IOException, InterruptedException {
    return concerts(body).ids().get(0);
  }

  long concert() throws IOException, InterruptedException {
    return concert(Map.of());
  }

  String token(String user) throws IOException, InterruptedException {
    return send("POST", "/tokens", Map.of("user", user)).get("token").getAsString();
  }

  String expiredToken(String user) throws IOException, InterruptedException {
    Map<String, Object> body = Map.of("user", user, "expires_in_seconds", -3_600);
    return send("POST", "/tokens", body).get("token").getAsString();
  }

  void cutNextAnswer() throws IOException, InterruptedException {
    send("POST", "/cut", Map.of());
  }

  int cuts() throws IOException, InterruptedException {
    return send("GET", "/cuts", Map.of()).get("count").getAsInt();
  }

  /** How many requests {@code plain}, {@code tokens} or {@code strict} got from this player. */
  int requests(String name) throws IOException, InterruptedException {
    return send("GET", "/requests", Map.of()).get(name).getAsInt();
  }

  void lock(long concertId) throws IOException, InterruptedException {
    send("POST", "/lock", Map.of("concert_id", String.valueOf(concertId)));
  }

  /** Returns when a booking waits for the concert's lock. */
  void awaitBlocked(long concertId) throws IOException, InterruptedException {
    send("POST", "/blocked", Map.of("concert_id", String.valueOf(concertId)));
  }

  /** Returns when a request has been cancelled since the concert was locked. */
  void awaitCancelled(long concertId) throws IOException, InterruptedException {
    send("POST", "/cancelled", Map.of("concert_id", String.valueOf(concertId)));
  }

  void unlock(long concertId) throws IOException, InterruptedException {
    send("POST", "/unlock", Map.of("concert_id", String.valueOf(concertId)));
  }

  String startService() throws IOException, InterruptedException {
    return send("POST", "/service", Map.of()).get("address").getAsString();
  }

  void restartService() throws IOException, InterruptedException {
    send("POST", "/restart", Map.of());
  }

  private JsonObject send(String method, String path, Map<String, Object> body)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(address + path)).timeout(Duration.ofSeconds(60));
    if (method.equals("POST")) {
      request.POST(HttpRequest.BodyPublishers.ofString(toJson(body).toString()));
    }
    HttpResponse<String> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(
          "the stage answered %s with %d: %s"
              .formatted(path, response.statusCode(), response.body()));
    }
    return JsonParser.parseString(response.body()).getAsJsonObject();
  }

  private static JsonObject toJson(Map<String, Object> body) {
    JsonObject object = new JsonObject();
    body.forEach(
        (name, value) -> {
          if (value instanceof Number number) {
            object.addProperty(name, number);
          } else {
            object.addProperty(name, value.toString());
          }
        });
    return object;
  }

  private static Stream<JsonElement> elements(JsonObject object, String name) {
    return StreamSupport.stream(object.get(name).getAsJsonArray().spliterator(), false);
  }
}
