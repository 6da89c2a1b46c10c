package com.frontrow;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** A server of HTTP/2 that is no server of gRPC: it answers each request with the same frame. */
final class Http2Server implements AutoCloseable {
  private static final int PREFACE_BYTES = 24;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int END_STREAM_AND_HEADERS = 5;
  private static final int ACKNOWLEDGED = 1;

  private final ServerSocket listener;
  private final int type;
  private final byte[] payload;
  private final AtomicInteger requests = new AtomicInteger();

  private Http2Server(int type, byte[] payload) throws IOException {
    this.type = type;
    this.payload = payload;
    listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
    SocketThread.start(this::accept);
  }

  /** Starts a server that resets each stream with an error code of HTTP/2. */
  static Http2Server resetting(int errorCode) throws IOException {
    return new Http2Server(RST_STREAM, ByteBuffer.allocate(4).putInt(errorCode).array());
  }

  /** Starts a server that answers with an empty page of HTML. */
  static Http2Server ofPages() throws IOException {
    // In HPACK ":status: 200".
    return ofPages("\u0088");
  }

  /** Starts a server that answers with the status 400. */
  static Http2Server refusing() throws IOException {
    // In HPACK ":status: 400".
    return ofPages("\u008c");
  }

  private static Http2Server ofPages(String status) throws IOException {
    // In HPACK 0x5f begins a "content-type", whose length follows.
    String headers = status + "\u005f\u0009text/html";
    return new Http2Server(HEADERS, headers.getBytes(StandardCharsets.ISO_8859_1));
  }

  String address() {
    return "http://localhost:" + listener.getLocalPort();
  }

  int requests() {
    return requests.get();
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }

  private void accept() throws IOException {
    while (true) {
      Socket connection = listener.accept();
      SocketThread.start(() -> serve(connection));
    }
  }

  private void serve(Socket connection) throws IOException {
    try (connection;
        DataInputStream in = new DataInputStream(connection.getInputStream());
        DataOutputStream out = new DataOutputStream(connection.getOutputStream())) {
      in.readFully(new byte[PREFACE_BYTES]);
      writeFrame(out, SETTINGS, 0, 0, new byte[0]);
      while (true) {
        int lengthAndType = in.readInt();
        int flags = in.readUnsignedByte();
        int stream = in.readInt();
        in.readFully(new byte[lengthAndType >>> 8]);
        int received = lengthAndType & 0xff;
        if (received == SETTINGS && flags != ACKNOWLEDGED) {
          writeFrame(out, SETTINGS, ACKNOWLEDGED, 0, new byte[0]);
        } else if (received == HEADERS) {
          requests.incrementAndGet();
          writeFrame(out, type, type == HEADERS ? END_STREAM_AND_HEADERS : 0, stream, payload);
        }
      }
    }
  }

  private static void writeFrame(
      DataOutputStream out, int type, int flags, int stream, byte[] payload) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(9 + payload.length);
    frame.putInt(payload.length << 8 | type).put((byte) flags).putInt(stream).put(payload);
    out.write(frame.array());
    out.flush();
  }
}
