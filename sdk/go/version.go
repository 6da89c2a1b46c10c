package frontrow

// Version is the version of this package, which is that of the service. The User-Agent of requests has it.
const Version = "0.1.0"

const userAgent = "frontrow-go/" + Version
