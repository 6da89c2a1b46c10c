/** Preloaded into a process by `node --import`: shifts its clock by TEST_CLOCK_SHIFT_MS. */
const shiftMs = Number(process.env.TEST_CLOCK_SHIFT_MS);
const TrueDate = Date;
const trueInstant = Temporal.Now.instant;

const now = () => TrueDate.now() + shiftMs;

globalThis.Date = new Proxy(TrueDate, {
  construct: (target, values, newTarget) =>
    Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});
Object.assign(Temporal.Now, { instant: () => trueInstant().add({ milliseconds: shiftMs }) });
