import com.frontrow.v1.BookingServiceGrpc;
import com.frontrow.v1.ConcertServiceGrpc;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Message;
import com.google.protobuf.MessageOrBuilder;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.ErrorDetailsProto;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.MetadataUtils;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Makes the calls that it reads from its standard input with grpc-java, and writes their responses and ends to its
 * standard output. Both are lines of JSON. It ends with its input. Usage: Caller HOST:PORT
 */
public final class Caller {
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer()
          .omittingInsignificantWhitespace()
          .usingTypeRegistry(
              JsonFormat.TypeRegistry.newBuilder()
                  .add(ErrorDetailsProto.getDescriptor().getMessageTypes())
                  .build());
  private static final PrintStream OUTPUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private final Map<String, MethodDescriptor<Message, Message>> methods = new HashMap<>();
  private final Map<Long, ClientCall<Message, Message>> calls = new HashMap<>();
  private final Channel channel;

  private Caller(Channel channel) {
    this.channel = channel;
    for (ServiceDescriptor service :
        List.of(
            BookingServiceGrpc.getServiceDescriptor(),
            ConcertServiceGrpc.getServiceDescriptor(),
            HealthGrpc.getServiceDescriptor())) {
      for (MethodDescriptor<?, ?> method : service.getMethods()) {
        @SuppressWarnings("unchecked") // Every message of a generated stub is one.
        var typed = (MethodDescriptor<Message, Message>) method;
        methods.put(method.getFullMethodName(), typed);
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    ManagedChannel channel =
        NettyChannelBuilder.forTarget(arguments[0])
            .usePlaintext()
            // Ten seconds are the shortest time that the library takes.
            .keepAliveTime(10, TimeUnit.SECONDS)
            .keepAliveWithoutCalls(true)
            .build();
    Caller caller = new Caller(channel);
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      JsonObject command = JsonParser.parseString(line).getAsJsonObject();
      if (command.has("cancel")) caller.calls.get(command.get("cancel").getAsLong()).cancel("no longer wanted", null);
      else caller.start(command);
    }
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
  }

  private void start(JsonObject command) throws Exception {
    MethodDescriptor<Message, Message> method = methods.get(command.get("method").getAsString());
    var marshaller = (MethodDescriptor.PrototypeMarshaller<Message>) method.getRequestMarshaller();
    Message.Builder request = marshaller.getMessagePrototype().newBuilderForType();
    JsonFormat.parser().merge(command.get("request").toString(), request);

    CallOptions options = CallOptions.DEFAULT;
    if (command.has("timeoutMs")) {
      options = options.withDeadlineAfter(command.get("timeoutMs").getAsLong(), TimeUnit.MILLISECONDS);
    }
    if (command.has("gzip")) options = options.withCompression("gzip");
    Metadata metadata = new Metadata();
    if (command.has("metadata")) {
      for (Map.Entry<String, JsonElement> field : command.getAsJsonObject("metadata").entrySet()) {
        metadata.put(key(field.getKey()), field.getValue().getAsString());
      }
    }

    Channel extended = ClientInterceptors.intercept(channel, MetadataUtils.newAttachHeadersInterceptor(metadata));
    ClientCall<Message, Message> call = extended.newCall(method, options);
    calls.put(command.get("call").getAsLong(), call);
    call.start(new Listener(command.get("call").getAsLong()), new Metadata());
    call.request(Integer.MAX_VALUE);
    call.sendMessage(request.build());
    call.halfClose();
  }

  private static final class Listener extends ClientCall.Listener<Message> {
    private final long call;
    private final JsonObject metadata = new JsonObject();

    Listener(long call) {
      this.call = call;
    }

    @Override
    public void onHeaders(Metadata headers) {
      addFields(headers);
    }

    @Override
    public void onMessage(Message message) {
      write("response", toJson(message));
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      addFields(trailers);
      JsonArray details = new JsonArray();
      var proto = StatusProto.fromStatusAndTrailers(status, trailers);
      proto.getDetailsList().forEach(detail -> details.add(toJson(detail)));
      JsonObject end = new JsonObject();
      end.addProperty("code", status.getCode().name());
      end.addProperty("message", status.getDescription() == null ? "" : status.getDescription());
      end.add("details", details);
      end.add("metadata", metadata);
      write("end", end);
    }

    private void addFields(Metadata fields) {
      for (String name : fields.keys()) {
        if (!name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) metadata.addProperty(name, fields.get(key(name)));
      }
    }

    private void write(String name, JsonElement value) {
      JsonObject event = new JsonObject();
      event.addProperty("call", call);
      event.add(name, value);
      OUTPUT.println(event);
    }
  }

  private static JsonElement toJson(MessageOrBuilder message) {
    try {
      return JsonParser.parseString(PRINTER.print(message));
    } catch (com.google.protobuf.InvalidProtocolBufferException error) {
      throw new IllegalStateException(error);
    }
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
