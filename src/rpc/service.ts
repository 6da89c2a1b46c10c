import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";

/** A service of the schema with what answers it. */
export interface ServiceBinding<Service extends DescService = DescService> {
  readonly service: Service;
  readonly implementation: ServiceImpl<Service>;
  /** Takes a place for a stream from an address, see `LimitedStreams`; undefined if the streams have no such limit. */
  readonly takePlace?: ((address: string) => (() => void) | undefined) | undefined;
}

/** Binds an implementation to its service: the compiler asks for every method of the schema. */
export function bindService<Service extends DescService>(
  service: Service,
  implementation: ServiceImpl<Service>,
  takePlace?: ServiceBinding["takePlace"],
): ServiceBinding {
  return { service, implementation, takePlace };
}
