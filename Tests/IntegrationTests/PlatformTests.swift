import Testing

/// Everything that needs a whole platform: one at a time, since each is a dozen processes.
@Suite("Whole platform", .serialized)
enum PlatformTests {}
