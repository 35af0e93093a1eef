import Foundation
import FuzzTargets
import Testing
import TestSupport

/// What fuzzing found worth keeping, once more: without libFuzzer, at every run of the tests.
@Suite struct CorpusTests {
    @Test(arguments: FuzzTarget.all.map(\.name))
    func keepsItsPromises(name: String) throws {
        let target = try #require(FuzzTarget.all.first { $0.name == name })
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Fuzz/\(name)/corpus").standardizedFileURL
        let inputs = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        #expect(!inputs.isEmpty)
        for input in inputs {
            let bytes = Array(try Data(contentsOf: input))
            #expect(throws: Never.self, "\(input.lastPathComponent)") { try target.judge(bytes) }
        }
    }
}
