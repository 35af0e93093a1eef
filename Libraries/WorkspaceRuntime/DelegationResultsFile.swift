import Foundation
import JSONBytes
import Observability

/// The results of delegations as JSON lines, for the agent to read, and beside it a journal of the results of which the
/// agent and its user were notified. Both are append-only, so that a crash loses nothing.
///
/// The agent may empty or remove the results once it has read them; the journal belongs to this library.
struct DelegationResultsFile: Sendable {
    enum Step: String, Sendable {
        case woken
        case notified
    }

    let path: String
    private var journalPath: String { path + ".told" }

    /// The contents of both files after a restart.
    struct Contents {
        var results: [Delegation] = []
        var told: [Step: Set<String>] = [:]
    }

    func load() -> Contents {
        var contents = Contents()
        for line in lines(of: path) {
            guard let object = try? JSONObject(validating: Array(line.utf8)), let result = Delegation(object) else {
                continue  // cut off by a crash while writing; the platform lists it again
            }
            contents.results.append(result)
        }
        for line in lines(of: journalPath) {
            let words = line.split(separator: " ")
            guard words.count == 2, let step = Step(rawValue: String(words[0])) else { continue }
            contents.told[step, default: []].insert(String(words[1]))
        }
        return contents
    }

    func append(_ results: [Delegation]) throws {
        var bytes: [UInt8] = []
        for result in results {
            bytes += Self.json(result).onOneLine
            bytes.append(0x0A)
        }
        try append(bytes, to: path)
    }

    func record(_ step: Step, _ ids: [String]) throws {
        try append(Array(ids.map { "\(step.rawValue) \($0)\n" }.joined().utf8), to: journalPath)
    }

    private static func json(_ result: Delegation) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("delegation_id", result.id)
            writer.member("status", result.status)
            writer.member("source_id", result.sourceID)
            writer.member("target_id", result.targetID)
            writer.member("summary", result.summary)
            writer.member("response_preview", ifPresent: result.responsePreview)
            writer.member("error", ifPresent: result.error)
            writer.member("received_at", Timestamp.now.rfc3339)
        }
        return writer.bytes
    }

    private func lines(of path: String) -> [String] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").map(String.init)
    }

    /// One atomic write(2) with `O_APPEND`, since other processes may have the file open.
    private func append(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path]) }
        defer { close(descriptor) }
        let written = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written == bytes.count else {
            throw CocoaError(.fileWriteOutOfSpace, userInfo: [NSFilePathErrorKey: path])
        }
    }
}
