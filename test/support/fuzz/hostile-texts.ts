/** Texts that are harmful where they are mistaken for code. None has U+0000, is blank or longer than 255 characters. */

/** In PostgreSQL: statements, patterns, parameters, and the ends of quotes. */
const toDatabases = [
  ...[
    "'; DROP TABLE concerts; --",
    "' OR '1'='1",
    "1; SELECT pg_sleep(10)",
    "x' UNION SELECT null, version() --",
    '"; --',
  ],
  ...["/* x */", "$1 $2", "$$x$$", ":name", "?::text", "E'\\x41'", "\\'; --", "'::regclass", "') RETURNING *; --"],
  ...["100%", "%%%", "___", "\\\\\\", "%_%", "a\\%b", "\\%\\_", "abc\\", "infinity", "current_user", "DEFAULT", "NaN"],
];

/** In programs that show them, fill them in or run them. */
const toPrograms = [
  ...["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "javascript:alert(1)", "]]>", "<!--"],
  ...["{{7*7}}", "<%= 7*7 %>", "#{7*7}", "\u0024{7*7}", "\u0024{jndi:ldap://x.test/a}", "=1+1", "@import", "{% x %}"],
  ...["$(reboot)", "`reboot`", "| reboot", "&& reboot", "*)(uid=*", "%s%n%x%d", "{0}", "%1$s", "%c0%ae%c0%ae", "\\x41"],
  ...[
    "../../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "file:///etc/passwd",
    "C:\\Windows\\system32",
    "//x.test/",
    "%00",
  ],
  ...[
    '{"id":"1"}',
    '","price":0,"x":"',
    "[null]",
    "null",
    "true",
    "undefined",
    "__proto__",
    "constructor",
    "\\u0000",
    '\\"',
  ],
];

/** In programs that read lines: headers, logs and terminals. */
const toReaders = [
  ...["x\r\nX-Injected: yes\r\n\r\n<html>", "x\nX-Injected: yes", "x\rX-Injected: yes", "x%0d%0aX-Injected:%20yes"],
  ...[
    'x\r\n{"level":"error","msg":"forged"}\r\n',
    "x\u2028X-Injected: yes",
    "x\u0085X-Injected: yes",
    "\u001b[2Jx",
    "x\u0007\b\u007f",
  ],
  ...["  padded  ", "\ttab\t", "x\v\f"],
];

/** In comparisons: texts that look alike and differ. */
const toEyes = [
  ...[
    "admin",
    "Admin",
    "аdmin",
    "ａｄｍｉｎ",
    "adm\u0131n",
    "ad\u00admin",
    "admin\u200b",
    "\u202enimda",
    "admin\u0001",
  ],
  ...[
    "été",
    "e\u0301te\u0301",
    "ﬃx",
    "ffix",
    "straße",
    "STRASSE",
    "ſecret",
    "İstanbul",
    "ΑΣ1",
    "𝕬𝖗𝖙",
    "\ufeffbom",
    "x\uffff\ufffe",
  ],
  ...[
    "👩‍👩‍👧‍👦 band",
    "क्षत्रिय",
    "שלום 123",
    "\u2066x\u2069",
    "x".repeat(255),
    "🎸".repeat(255),
    "'".repeat(255),
    "%".repeat(255),
  ],
];

export const hostileTexts: readonly string[] = [...toDatabases, ...toPrograms, ...toReaders, ...toEyes];

/** Whether a filter may be as long as this. */
export function fitsFilter(text: string): boolean {
  const length = [...text].length;
  return length >= 3 && length <= 100;
}
