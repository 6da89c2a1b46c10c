// Starts Swagger UI, in a file because the page's Content-Security-Policy allows no inline script.
globalThis.SwaggerUIBundle({
  dom_id: "#api",
  url: "openapi.json",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  // By default the page would send the document's address to a validator of another host.
  validatorUrl: null,
});
