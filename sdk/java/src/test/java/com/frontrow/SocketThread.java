package com.frontrow;

import java.io.IOException;

/** A thread of a test's server. It ends when its socket is closed. */
final class SocketThread {
  private SocketThread() {}

  /** What the thread does with its socket. */
  @FunctionalInterface
  interface Work {
    void run() throws IOException;
  }

  static void start(Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (IOException closed) {
                // By the client, or at the end of the test.
              }
            });
    thread.setDaemon(true);
    thread.start();
  }
}
