/**
 * Imported first by what the shell starts. `pg` reads PG* variables (PGOPTIONS, PGSSLMODE, PGSSLNEGOTIATION, ...) for what
 * it is not told, and NODE_PG_FORCE_NATIVE as soon as it is imported: only Frontrow's own settings may steer Frontrow.
 */
for (const name of Object.keys(process.env)) {
  if (/^PG|^NODE_PG_/.test(name)) delete process.env[name];
}
