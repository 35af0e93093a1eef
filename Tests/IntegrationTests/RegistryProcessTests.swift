import Testing

/// What the Registry does by itself, as processes: one test at a time.
@Suite("Registry processes", .serialized)
enum RegistryProcessTests {}
