import Foundation

/// Processes whose wall clock is wrong.
package enum WrongClock {
    private static let library = Shared { try await build() }

    /// The environment of a process whose clock goes wrong by so many seconds; its timers are right.
    package static func environment(offBy seconds: Int) async throws -> [String: String] {
        ["LD_PRELOAD": try await library.get(), "CLOCK_OFFSET": "\(seconds)"]
    }

    private static func build() async throws -> String {
        let source = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("clock/clock.c")
        let library = try TemporaryFolder.make("clock") + "/clock.so"
        try await Leash.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source.path], environment: [:])
        return library
    }
}
