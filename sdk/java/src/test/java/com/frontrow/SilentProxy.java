package com.frontrow;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** A proxy whose connections can go silent as behind a broken network: open, and without data. */
final class SilentProxy implements AutoCloseable {
  private final ServerSocket listener =
      new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
  private final int port;
  private final AtomicInteger connections = new AtomicInteger();
  private volatile int silent;

  /** Starts a proxy of a port. */
  SilentProxy(int port) throws IOException {
    this.port = port;
    SocketThread.start(this::accept);
  }

  String address() {
    return "http://localhost:" + listener.getLocalPort();
  }

  int connections() {
    return connections.get();
  }

  /** Discards all further data of the connections that exist. New ones work. */
  void silence() {
    silent = connections.get();
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }

  private void accept() throws IOException {
    while (true) {
      Socket client = listener.accept();
      Socket service = new Socket(InetAddress.getLoopbackAddress(), port);
      int number = connections.incrementAndGet();
      SocketThread.start(() -> pump(client, service, number));
      SocketThread.start(() -> pump(service, client, number));
    }
  }

  private void pump(Socket from, Socket to, int number) throws IOException {
    byte[] data = new byte[8_192];
    try (from;
        to) {
      InputStream in = from.getInputStream();
      for (int length = in.read(data); length >= 0; length = in.read(data)) {
        if (number > silent) {
          to.getOutputStream().write(data, 0, length);
        }
      }
    }
  }
}
