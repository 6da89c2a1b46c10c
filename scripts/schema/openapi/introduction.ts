/** What the document says of all operations. */
export const introduction = `Concert tickets: search concerts, hold and book tickets, cancel bookings.

**Two forms.** The operations of \`ConcertService\` and \`BookingService\` are REST. Those marked "(Connect)" are the same
methods by the [Connect protocol](https://connectrpc.com/docs/protocol) with JSON: names in lowerCamelCase, unknown keys are
ignored, and errors have the form of Connect. gRPC and gRPC-Web have the same paths as Connect.

**Tokens.** Send a bearer token of the operator's identity provider. The scopes of an operation are alternatives: the second
one allows the call for other users, too. A service without \`APP_AUTH_MODE\` verifies no tokens: then \`user_id\` is required
where a request has it.

**Errors.** A REST error is a problem document (RFC 9457) whose \`reason\` is for programs. In Connect, the reason is in
\`details\`. A path that does not exist returns 404, and a method that a path of these operations does not accept 405. HEAD is
answered as GET is, without the body.

**Repeating.** Send a new \`request_id\` with each new booking, hold, cancellation or concert, and the same one when you
repeat the call because its response was lost. It does nothing twice.

**Pages.** Send the \`next_page_token\` of a response as the \`page_token\` of the next request, with the same filters. An empty
one ends the list. A page may be shorter than \`page_size\`, and even empty.

**Other forms of values.** The schemas of requests have the usual form of each value. The service also accepts:

- a number of 32 bits or a decimal number as a text (\`"2"\`), and leading zeros in such a text and in an id;
- an id of 19 digits, as far as it has 64 bits;
- the number of an enum's value, and in Connect a name that the schema does not have, which is ignored;
- null, an empty text, 0 and an empty list for a field that may be left out: the field is unset;
- an empty value in a query, which leaves its field unset;
- names of fields in lowerCamelCase or snake_case, and in REST, for keys of the query and the top level of a body, in any case
  and without underscores;
- in a body, the fields that the path has, if they are equal.

**Later versions.** Responses may get new fields, values of enums, reasons, keys of \`metadata\` and kinds of \`details\`, and
their schemas allow these. Ignore what you do not know; the status and the code say what to do about a new reason. The fields
that responses have now, their types, and the statuses and codes of the reasons stay.`;
