import { type ExpressionBuilder, type Kysely, type RawBuilder, sql } from "kysely";
import type { Concert, ConcertFilter, ConcertPosition } from "../domain/concert.ts";
import { type ConcertId, concertIdOf } from "../domain/ids.ts";
import { type Page, pageOf } from "../domain/page.ts";
import { concertColumns, toConcert } from "./concerts.ts";
import type { DB } from "./tables.ts";
import { containsPattern, timestamptz } from "./values.ts";

/**
 * How many concerts one call scans for matches. After that the page is short and has a token: a filter with few matches must
 * not scan the whole table (AIP-158 allows short pages).
 */
const stretchRows = 2_000;
/** How many more concerts one call reads that have all trigrams of a text and so may contain it. */
const maxCandidates = 1_500;
/** How many trigrams of a text are looked up. More of them exclude hardly any concert. */
const maxTrigrams = 12;
/** How many concerts are sampled to estimate how frequent the trigrams of a text are. */
const sampleRows = 500;
/** A text is not looked up if the estimate is this many times more concerts than may be read. */
const surelyTooMany = 4;
const textColumns = ["artist", "venue", "name"] as const;
type TextColumn = (typeof textColumns)[number];
/** A shorter text matches the beginnings of words only: within words it would match almost every concert. */
const minWithinWords = 3;

/** A page of concerts by (concert_date, id), at most `pageSize` of them. It touches a bounded number of rows. */
export async function listConcerts(
  db: Kysely<DB>,
  filter: ConcertFilter,
  after: ConcertPosition | undefined,
  pageSize: number,
): Promise<Page<Concert, ConcertPosition>> {
  const { matches, end } = await scanStretch(db, filter, after, pageSize + 1);
  if (matches.length > pageSize || !end) return pageOf(matches, pageSize, positionOf);
  const rareMatches = await findRareMatches(db, filter, after);
  return rareMatches ? pageOf(rareMatches, pageSize, positionOf) : { items: matches, next: end };
}

function positionOf({ concertDate, id }: Concert): ConcertPosition {
  return { concertDate, id };
}

/**
 * Hides a value from the planner, which would otherwise estimate by it how many concerts match and, if it expects few, might
 * read all of them at once. Hidden, every value has the same plan.
 */
function hidden<Value>(value: RawBuilder<Value>): RawBuilder<Value> {
  return sql<Value>`(select ${value})`;
}

type Concerts = ExpressionBuilder<DB, "concerts">;

/** By the database's clock. */
const now = sql<Temporal.Instant>`now()`;

/** Less than every id. */
const beforeAllIds = concertIdOf(0n);

/** The part of a filter that the index on (concert_date, id) answers. */
function inRange({ dateFrom, dateTo }: ConcertFilter, after: ConcertPosition | undefined) {
  const position = ({ tuple }: Concerts, concertDate: RawBuilder<Temporal.Instant>, id: ConcertId) =>
    tuple(hidden(concertDate), sql<bigint>`${id}::bigint`);
  // One bound only: with two, the index would be read from the first one on. A list that began at an earlier "now" continues
  // from its position, so its pages are those of one list, however long a client takes to read them.
  const isPastFrom = after && (!dateFrom || Temporal.Instant.compare(after.concertDate, dateFrom) >= 0);
  return (eb: Concerts) => {
    const place = eb.refTuple("concert_date", "id");
    const start = isPastFrom
      ? position(eb, timestamptz(after.concertDate), after.id)
      : position(eb, dateFrom ? timestamptz(dateFrom) : now, beforeAllIds);
    return eb.and([
      eb(place, ">", start),
      ...(dateTo ? [eb(place, "<", position(eb, timestamptz(dateTo), beforeAllIds))] : []),
    ]);
  };
}

/** The column in which a text is searched. The database derives it from the text by `search_text`. */
function searchColumn(column: TextColumn) {
  return `${column}_search` as const;
}

/** What a search column contains if it matches a text. The columns have a blank before and after every word. */
function soughtText(text: string): RawBuilder<string> {
  const folded = sql<string>`btrim(search_text(${text}::text))`;
  return [...text].length < minWithinWords ? sql<string>`(' ' || ${folded})` : folded;
}

/** The part of a filter that no index answers in the order of the list. */
function matchesFilter(filter: ConcertFilter) {
  return ({ eb, and }: Concerts) =>
    and([
      ...textColumns.flatMap((column) => {
        const text = filter[column];
        return text === undefined
          ? []
          : [eb(eb.fn("strpos", [searchColumn(column), hidden(soughtText(text))]), ">", 0)];
      }),
      ...(filter.availableOnly ? [eb("available_tickets", ">", 0)] : []),
      ...(filter.bookingOpenOnly ? [eb("booking_start_time", "<=", now), eb("booking_end_time", ">", now)] : []),
    ]);
}

/** Whether other concerts may lie between matches. Dates alone select one stretch of the index. */
function isSparse(filter: ConcertFilter): boolean {
  return filter.availableOnly || filter.bookingOpenOnly || textColumns.some((column) => filter[column] !== undefined);
}

interface Stretch {
  readonly matches: readonly Concert[];
  /** Where the stretch ends. Undefined if the list ends before it, or `limit` was reached. */
  readonly end: ConcertPosition | undefined;
}

/** The first matches, up to `limit`, among the next concerts in the order of the list. */
async function scanStretch(
  db: Kysely<DB>,
  filter: ConcertFilter,
  after: ConcertPosition | undefined,
  limit: number,
): Promise<Stretch> {
  const length = isSparse(filter) ? stretchRows : limit;
  const stretch = db
    .selectFrom("concerts")
    .select(concertColumns)
    .select((eb) => [
      matchesFilter(filter)(eb).as("isMatch"),
      // Rows are numbered while they are read, which stops at the outer limit.
      eb(
        eb.fn.agg("row_number").over((over) => over.orderBy("concert_date").orderBy("id")),
        "=",
        length,
      ).as("isEnd"),
    ])
    .where(inRange(filter, after))
    .orderBy("concert_date")
    .orderBy("id")
    .limit(length)
    .as("stretch");
  const rows = await db
    .selectFrom(stretch)
    .selectAll()
    .where((eb) => eb.or([eb("isMatch", "=", true), eb("isEnd", "=", true)]))
    .orderBy("concert_date")
    .orderBy("id")
    .limit(limit)
    .execute();
  const last = rows.at(-1);
  return {
    matches: rows.filter((row) => row.isMatch).map(toConcert),
    end: last?.isEnd ? positionOf(toConcert(last)) : undefined,
  };
}

/** A text's column, and the trigrams to look it up by. */
interface Sought {
  readonly column: TextColumn;
  readonly trigrams: readonly string[];
}

/** All further matches, if one of the filter's texts is so rare that few concerts have all of its trigrams. */
async function findRareMatches(
  db: Kysely<DB>,
  filter: ConcertFilter,
  after: ConcertPosition | undefined,
): Promise<Concert[] | undefined> {
  const texts: Sought[] = [];
  for (const column of textColumns) {
    const text = filter[column];
    const trigrams = text === undefined ? [] : await trigramsOf(db, text);
    if (trigrams.length > 0) texts.push({ column, trigrams });
  }
  if (texts.length === 0) return undefined;
  const limit = Math.floor(maxCandidates / texts.length);
  const estimates = await estimateCandidates(db, filter, after, texts);
  for (const text of texts) {
    // Negative while PostgreSQL has no estimate of the table's size: then the text is looked up.
    if (estimates(text.column) > limit * surelyTooMany) continue;
    const candidates = db
      .selectFrom("concerts")
      .select(concertColumns)
      .select((eb) => eb.and([inRange(filter, after)(eb), matchesFilter(filter)(eb)]).as("isMatch"))
      // Not the text itself: until it has found as many as the limit, PostgreSQL would read any number of others.
      .where(hasTrigrams(text))
      .limit(limit + 1)
      .as("candidates");
    const rows = await db.selectFrom(candidates).selectAll().orderBy("concert_date").orderBy("id").execute();
    if (rows.length <= limit) return rows.filter((row) => row.isMatch).map(toConcert);
  }
  return undefined;
}

function hasTrigrams({ column, trigrams }: Sought): RawBuilder<boolean> {
  const parts = trigrams.map(
    (trigram) => sql`${sql.ref(searchColumn(column))} like ${hidden(sql<string>`${containsPattern(trigram)}::text`)}`,
  );
  return sql<boolean>`(${sql.join(parts, sql` and `)})`;
}

/**
 * Estimates from the next concerts how many in all have the trigrams of each text. An index returns all of them before the
 * first one is read, so a frequent text would be slow.
 */
async function estimateCandidates(
  db: Kysely<DB>,
  filter: ConcertFilter,
  after: ConcertPosition | undefined,
  texts: readonly Sought[],
): Promise<(column: TextColumn) => number> {
  const sample = db
    .selectFrom("concerts")
    .select(texts.map(({ column }) => searchColumn(column)))
    .where(inRange(filter, after))
    .orderBy("concert_date")
    .orderBy("id")
    .limit(sampleRows)
    .as("sample");
  const row = await db
    .selectFrom(sample)
    .select([
      sql<number>`(select reltuples from pg_class where oid = 'concerts'::regclass) / greatest(count(*), 1)`.as(
        "factor",
      ),
      ...texts.map((text) => sql<number>`(count(*) filter (where ${hasTrigrams(text)}))::int`.as(text.column)),
    ])
    .executeTakeFirstOrThrow();
  return (column) => Number(row[column] ?? 0) * Number(row.factor);
}

/**
 * Some trigrams of a text that the indexes contain: letters or digits, as the locale of pg_trgm defines them, in a row or at
 * an end of a word.
 */
async function trigramsOf(db: Kysely<DB>, text: string): Promise<string[]> {
  const { rows } = await sql<{ trigram: string }>`
    select distinct trigram
    from (select ${soughtText(text)} as sought) as texts,
      lateral (select substr(sought, place, 3) as trigram from generate_series(1, length(sought)) as place) as trigrams
    where trigram ~ '^( [^ ]{1,2}| [^ ] |[^ ]{2} |[^ ]{3})$'
      and (select bool_and(show_trgm(letter) <> '{}') from string_to_table(btrim(trigram), null) as letter)`.execute(
    db,
  );
  const every = Math.ceil(rows.length / maxTrigrams);
  return rows.map(({ trigram }) => trigram).filter((_, index) => index % every === 0);
}
