"""Makes the calls that it reads from its standard input with grpcio, and writes their responses and ends.

Both are lines of JSON. It ends with its input. Usage: caller.py HOST:PORT
"""

import json
import sys
import threading

import grpc
from frontrow.v1 import booking_service_pb2, booking_service_pb2_grpc, concert_service_pb2, concert_service_pb2_grpc
from google.protobuf import json_format, message_factory
from google.rpc import error_details_pb2 as _  # The messages of error details, for json_format.
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

output = threading.Lock()


def write(event):
    with output:
        print(json.dumps(event), flush=True)


def to_dict(message):
    return json_format.MessageToDict(message)


class Methods:
    """The methods of the generated stubs, by their full names."""

    def __init__(self, channel):
        self.stubs = {}
        for stub, file in [
            (booking_service_pb2_grpc.BookingServiceStub, booking_service_pb2),
            (concert_service_pb2_grpc.ConcertServiceStub, concert_service_pb2),
            (health_pb2_grpc.HealthStub, health_pb2),
        ]:
            for service in file.DESCRIPTOR.services_by_name.values():
                for method in service.methods:
                    bound = getattr(stub(channel), method.name)
                    self.stubs[f"{service.full_name}/{method.name}"] = (method, bound)

    def start(self, command):
        """Starts a call and returns it."""
        method, stub = self.stubs[command["method"]]
        request = message_factory.GetMessageClass(method.input_type)()
        json_format.ParseDict(command.get("request", {}), request)
        options = {
            "timeout": command["timeoutMs"] / 1000 if "timeoutMs" in command else None,
            "metadata": list(command.get("metadata", {}).items()),
            "compression": grpc.Compression.Gzip if command.get("gzip") else None,
        }
        number = command["call"]
        if not method.server_streaming:
            call = stub.future(request, **options)
            call.add_done_callback(lambda done: finish_unary(number, done))
            return call
        call = stub(request, **options)
        threading.Thread(target=read_stream, args=(number, call), daemon=True).start()
        return call


def finish_unary(number, call):
    if not call.cancelled() and call.code() is grpc.StatusCode.OK:
        write({"call": number, "response": to_dict(call.result())})
    write_end(number, call)


def read_stream(number, call):
    try:
        for response in call:
            write({"call": number, "response": to_dict(response)})
    except grpc.RpcError:
        pass  # The call has its status.
    write_end(number, call)


def write_end(number, call):
    status = rpc_status.from_call(call)
    metadata = [*(call.initial_metadata() or ()), *(call.trailing_metadata() or ())]
    end = {
        "code": call.code().name,
        "message": call.details() or "",
        "details": [to_dict(detail) for detail in status.details] if status else [],
        "metadata": {name: value for name, value in metadata if isinstance(value, str)},
    }
    write({"call": number, "end": end})


def main(address):
    options = [
        ("grpc.keepalive_time_ms", 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    with grpc.insecure_channel(address, options=options) as channel:
        methods = Methods(channel)
        calls = {}
        for line in sys.stdin:
            command = json.loads(line)
            if "cancel" in command:
                calls[command["cancel"]].cancel()
            else:
                calls[command["call"]] = methods.start(command)


main(sys.argv[1])
