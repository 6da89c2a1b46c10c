/** Lists of concerts that are worth measuring. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ListConcertsRequestSchema } from "../../gen/frontrow/v1/concert_service_pb.ts";
import { timestamp } from "../support/service/stage.ts";
import { lastTexts } from "./load.ts";

export type Filter = MessageInitShape<typeof ListConcertsRequestSchema>;

const day = (text: string) => timestamp(`${text}T00:00:00Z`);
export const fortnight = { dateFrom: day("2020-06-08"), dateTo: day("2020-06-22") };
const fifteenYears = { dateFrom: day("2016-01-01"), dateTo: day("2031-01-01") };

type Lists = readonly (readonly [what: string, filter: Filter])[];

/** Lists that begin with the earliest concert unless they say otherwise. */
const fromTheFirst = (lists: Lists): Lists =>
  lists.map(([what, filter]) => [what, { dateFrom: day("2010-01-01"), ...filter }]);

/** Lists whose next concerts are all on the page, or nearly. */
export const denseLists: Lists = [
  ["everything from now on", {}],
  ["frequent artists from now on", { artist: "the" }],
  ...fromTheFirst([
    ["everything", {}],
    ["a hundred of everything", { pageSize: 100 }],
    ["an hour", { dateFrom: timestamp("2020-06-15T20:00:00Z"), dateTo: timestamp("2020-06-15T21:00:00Z") }],
    ["half a day", { dateFrom: day("2020-06-15"), dateTo: timestamp("2020-06-15T12:00:00Z"), pageSize: 100 }],
    ["a day", { dateFrom: day("2020-06-15"), dateTo: day("2020-06-16"), pageSize: 100 }],
    ["a fortnight", fortnight],
    ["fifteen years", fifteenYears],
    ["the far future", { dateFrom: day("2200-01-01") }],
    ["all until the far future", { dateTo: day("2200-01-01") }],
    ["a hundred before the first year", { dateTo: day("2015-01-01"), pageSize: 100 }],
    ["frequent artists", { artist: "the" }],
    ["artists with a word that begins with a frequent letter", { artist: "t" }],
    ["a hundred with two frequent letters", { artist: "th", pageSize: 100 }],
    ["a hundred of frequent artists", { artist: "The", pageSize: 100 }],
  ]),
];

/** Lists that look for something that may be rare. */
export const sparseLists: Lists = [
  ["available from now on", { availableOnly: true }],
  ["a name of 5 from now on", { name: "zyzzyva" }],
  ["an absent name from now on", { name: "xylophobe" }],
  ...fromTheFirst([
    ["available", { availableOnly: true }],
    ["open", { bookingOpenOnly: true }],
    ["available and open", { availableOnly: true, bookingOpenOnly: true }],
    ["available in a fortnight", { availableOnly: true, ...fortnight }],
    ["open in fifteen years", { bookingOpenOnly: true, ...fifteenYears }],
    ["a hundred of one in twenty", { name: "matinee", pageSize: 100 }],
    ["a name of 5", { name: "zyzzyva" }],
    ["three letters of a name of 5", { name: "ZZY" }],
    ["a name of 400", { name: "kwyjibo" }],
    ["a name of 2,500", { name: "quixotry" }],
    ["an absent name", { name: "xylophobe" }],
    ["two letters of a name of 5", { name: "zy" }],
    ["a letter of a name of 405", { name: "z" }],
    ["two absent letters", { name: "qx" }],
    ["an absent letter", { venue: "x" }],
    ["a frequent letter that begins no word", { venue: "e" }],
    ["a rare letter of frequent artists", { artist: "t", name: "z" }],
    ["frequent letters of all columns, sold out", { artist: "t", venue: "h", name: "s", availableOnly: true }],
    ["an ideograph", { artist: "東" }],
    ["an absent ideograph", { artist: "嵐" }],
    ["two absent signs", { name: "%%" }],
    ["three absent letters", { name: "qqq" }],
    ["absent, of trigrams in most artists", { artist: "the the" }],
    ["absent, of trigrams in many names", { name: "ght night" }],
    ["absent, a hundred letters of such", { name: "night ".repeat(17).slice(0, 100) }],
    ["absent, of two frequent words", { artist: "owls the vel" }],
    ["the last concert", { name: lastTexts[0] }],
    ["the last concert, without letters", { name: lastTexts[1] }],
    ["punctuation", { name: "!!!" }],
    ["absent punctuation", { venue: "***" }],
    ["percent signs", { name: "%%%" }],
    ["a percent sign within", { name: "00% l" }],
    ["underscores", { artist: "___" }],
    ["letters beyond ASCII", { artist: "BJÖRK" }],
    ["three letters beyond ASCII", { artist: "ёлк" }],
    ["absent letters beyond ASCII", { venue: "þæö" }],
    ["digits beyond ASCII", { venue: "٣٤٥" }],
    ["frequent artists, and such digits", { artist: "the ٣٤٥" }],
    ["frequent texts of all columns", { artist: "the", venue: "oslo", name: "tour" }],
    ["frequent texts of all columns, sold out", { artist: "the", venue: "oslo", name: "tour", availableOnly: true }],
    ["a rare name of frequent artists", { artist: "the", name: "zyzzyva" }],
    ["an absent name of frequent artists at a frequent venue", { artist: "the", name: "xylophobe", venue: "hall" }],
    ["frequent but sold out", { artist: "the", availableOnly: true }],
    ["rare and sold out", { name: "kwyjibo", availableOnly: true, bookingOpenOnly: true }],
    [
      "all filters",
      { ...fifteenYears, artist: "the", venue: "oslo", name: "kwyjibo", availableOnly: true, pageSize: 100 },
    ],
  ]),
];
