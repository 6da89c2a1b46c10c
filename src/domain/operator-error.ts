/** A failure that the operator can correct. Its message says how, so that no stack is needed. */
export class OperatorError extends Error {}
