/// One thing that is fuzzed: a function that judges an input, which may be any bytes.
///
/// A target does not only look for crashes: it throws a ``Violation`` when a promise of the code under test does not
/// hold.
package struct FuzzTarget: Sendable {
    /// Its folder below `Fuzz/`, with its corpus.
    package let name: String
    /// Throws what the input shows to be wrong.
    package let judge: @Sendable (_ input: [UInt8]) throws -> Void

    /// All targets, by name.
    package static let all = [
        FuzzTarget(name: "AMQP", judge: FieldTables.judge),
        FuzzTarget(name: "Cron", judge: CronExpressions.judge),
        FuzzTarget(name: "Dates", judge: Dates.judge),
        FuzzTarget(name: "HTTP", judge: HTTPMessages.judge),
        FuzzTarget(name: "JSON", judge: JSONDocuments.judge),
        FuzzTarget(name: "URLs", judge: URLs.judge),
        FuzzTarget(name: "YAML", judge: YAMLDocuments.judge),
    ]
}

/// A promise that does not hold.
package struct Violation: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Throws a ``Violation`` unless the condition holds.
func require(_ condition: Bool, _ promise: @autoclosure () -> String) throws {
    if !condition { throw Violation(promise()) }
}

/// Throws a ``Violation`` when there is no value.
func require<T>(_ value: T?, _ promise: @autoclosure () -> String) throws -> T {
    guard let value else { throw Violation(promise()) }
    return value
}
