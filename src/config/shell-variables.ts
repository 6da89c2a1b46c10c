/**
 * Imported before everything that imports `pg`, which reads PG* variables (PGOPTIONS, PGSSLMODE, PGSSLNEGOTIATION) for
 * options that it is not given, and NODE_PG_FORCE_NATIVE when it is imported. Only Frontrow's own settings may configure Frontrow.
 */
for (const name of Object.keys(process.env)) {
  if (/^PG|^NODE_PG_/.test(name)) delete process.env[name];
}
