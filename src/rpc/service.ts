import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Permit } from "../limits/concurrency-limit.ts";

/** A service of the schema with its implementation. */
export interface ServiceBinding<Service extends DescService = DescService> {
  readonly service: Service;
  readonly implementation: ServiceImpl<Service>;
  /** Takes a permit for a stream from an address, see `LimitedStreams`; undefined if the streams have no such limit. */
  readonly tryAcquire?: ((address: string) => Permit | undefined) | undefined;
}

/** Binds an implementation to its service. The compiler requires every method of the schema. */
export function bindService<Service extends DescService>(
  service: Service,
  implementation: ServiceImpl<Service>,
  tryAcquire?: ServiceBinding["tryAcquire"],
): ServiceBinding {
  return { service, implementation, tryAcquire };
}
