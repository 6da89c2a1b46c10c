import type { DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";

/** A service of the schema with what answers it. */
export interface ServiceBinding<Service extends DescService = DescService> {
  readonly service: Service;
  readonly implementation: ServiceImpl<Service>;
  /** Whether a further stream from this address would be refused, so that nothing needs to be done for it. */
  readonly isFull?: ((address: string) => boolean) | undefined;
}

/** Binds an implementation to its service: the compiler asks for every method of the schema. */
export function bindService<Service extends DescService>(
  service: Service,
  implementation: ServiceImpl<Service>,
  isFull?: ServiceBinding["isFull"],
): ServiceBinding {
  return { service, implementation, isFull };
}
