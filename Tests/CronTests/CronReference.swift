import Foundation
import Testing
import TestSupport

/// Runs `Tests/Python/cron_reference.py`, on the packages that `./dev test` has installed.
enum CronReference {
    enum Question: String { case next, offsets }

    /// - Returns: a line of results for each line of questions.
    static func results(_ question: Question, _ lines: [[String]]) async throws -> [[String]] {
        let python = try #require(
            ProcessInfo.processInfo.environment["SWITCHYARD_PYTHON"],
            "run the tests with ./dev test, which makes the Python environment")
        let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Python/cron_reference.py").path
        let folder = try TemporaryFolder.make("cron-reference")
        try lines.map { $0.joined(separator: "\t") + "\n" }.joined()
            .write(toFile: "\(folder)/questions", atomically: true, encoding: .utf8)
        try await Leash.run([python, program, question.rawValue, "\(folder)/questions", "\(folder)/answers"])
        let results = try String(contentsOfFile: "\(folder)/answers", encoding: .utf8).split(separator: "\n")
            .map { $0.split(separator: "\t").map(String.init) }
        try #require(results.count == lines.count)
        return results
    }
}
