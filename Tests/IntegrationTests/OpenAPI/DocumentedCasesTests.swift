import Foundation
import JSONBytes
import Testing
import TestSupport

/// The platform, through its gateway, against thousands of requests that schemathesis makes from the document: as it says,
/// and not as it says.
@Suite(.serialized) struct DocumentedCasesTests {
    /// Cases of an operation at most, in the phases that make them up; more take longer and found nothing more.
    private static let examples = 4

    @Test("Every response is one that the document allows", .timeLimit(.minutes(8)))
    func responsesAreAsDocumented() async throws {
        let platform = try await Platform.start()
        let folder = try TemporaryFolder.make("documented-cases")
        let results = try await PythonProgram.run(
            "documented_cases.py", [platform.url, Platform.adminToken, "\(Self.examples)", folder])
        let result = try #require(results.last)
        let failures = try #require(result["failures"]?.string)
        #expect(failures.isEmpty, "\(failures)")
        // As many as there are operations would be made without any thought.
        #expect(try #require(result["cases"]?.int) > 2000)
        await platform.stop()
    }
}
