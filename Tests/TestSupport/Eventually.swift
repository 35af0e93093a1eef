import Foundation

/// A condition did not come true in the time it was given.
package struct TimedOut: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// Waits until a condition holds, polling it every few milliseconds.
///
/// - Parameters:
///   - within: how long to wait before giving up: long, since a machine may be busy, and a condition that comes true costs
///     no more for it.
///   - what: what is waited for; part of the error's text.
///   - detail: evaluated when giving up, for instance the log of a process.
/// - Throws: ``TimedOut``, or what the condition throws.
package func eventually(
    within limit: Duration = .seconds(60), _ what: String, detail: () -> String = { "" },
    _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let end = clock.now + limit
    while true {
        if try await condition() { return }
        if clock.now >= end { throw TimedOut("gave up after \(limit) waiting for: \(what) \(detail())") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
