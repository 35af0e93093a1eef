import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension RegistryProcessTests {
    /// Files of chats in a bucket, on a real S3 server that checks signatures.
    @Suite("Chat files in a bucket", .serialized)
    struct BucketTests {
        private static let bucket = "chat-files-of-the-test"

        private func withBucket(
            changing change: [String: String] = [:], _ body: (FileFleet, Leash) async throws -> Void
        ) async throws {
            let port = try Ports.free()
            let server = try await PythonProgram.start("bucket.py", ["\(port)", Self.bucket])
            let outcome: Result<Void, any Error>
            do {
                var settings: JSONValue = .null
                try await eventually("the bucket", detail: { server.outputTail }) {
                    guard server.isRunning else { throw ProcessFailure("the bucket ended: \(server.outputTail)") }
                    let line = server.output.split(separator: "\n").last { $0.hasPrefix("{") }
                    settings = line.flatMap { try? JSONValue(decoding: Array($0.utf8)) } ?? .null
                    return settings["url"] != nil
                }
                let environment = [
                    "CHAT_FILES_DIR": "", "CHAT_FILES_S3_URL": settings["url"]?.string ?? "",
                    "CHAT_FILES_S3_BUCKET": Self.bucket,
                    "CHAT_FILES_S3_ACCESS_KEY": settings["access_key"]?.string ?? "",
                    "CHAT_FILES_S3_SECRET_KEY": settings["secret_key"]?.string ?? "",
                ].merging(change) { $1 }
                try await FileFleet.with(environment: environment) { try await body($0, server) }
                outcome = .success(())
            } catch { outcome = .failure(error) }
            await server.kill()
            try outcome.get()
        }

        @Test("What is uploaded is in the bucket, and comes back, in parts too")
        func roundTrip() async throws {
            try await withBucket { files, server in
                let (id, token) = try await files.fleet.create()
                let large = (0..<(3 << 20) + 5).map { UInt8(truncatingIfNeeded: $0 &* 13) }
                let form = UploadForm().file("a b.txt", "0123456789").file("large.bin", large).file("empty", [])
                let response = try await files.api.upload(form, to: id, bearer: token)
                #expect(response.status == 200, "\(response.text) \(files.notifier.output)")
                let entries = response.json["files"]?.array ?? []
                for (entry, content) in zip(entries, [Array("0123456789".utf8), large, []]) {
                    let file = try await files.api.download(path(ofUpload: entry), of: id, bearer: token)
                    #expect(file.status == 200 && file.bytes == content)
                }
                let part = try await files.api.download(
                    path(ofUpload: entries[0]), of: id, bearer: token, headers: ["Range": "bytes=2-4"])
                #expect(part.status == 206 && part.text == "234")
                let head = try await files.api.download(
                    path(ofUpload: entries[1]), of: id, bearer: token, method: .head)
                #expect(head.headers["content-length"] == "\(large.count)")
                #expect(server.output.contains("PUT /\(Self.bucket)/chat-files/\(id)/"))

                // An object that is not as long as was kept is not the file, as a whole or in parts.
                let first = path(ofUpload: entries[0])
                for size in [15, 8] {
                    try await files.fleet.sql("UPDATE chat_files SET size = $1 WHERE size BETWEEN 1 AND 20", [size])
                    for headers in [[:], ["Range": "bytes=2-4"]] as [HTTPHeaders] {
                        let other = try await files.api.download(first, of: id, bearer: token, headers: headers)
                        #expect(other.status == 404, "\(size) \(headers)")
                    }
                }
                try await files.fleet.sql("UPDATE chat_files SET size = 10 WHERE size BETWEEN 1 AND 20")

                await server.kill()
                let gone = try await files.api.download(path(ofUpload: entries[0]), of: id, bearer: token)
                #expect(gone.status == 503 && gone.headers["retry-after"] != nil)
                #expect(try await files.api.upload(form, to: id, bearer: token).status == 503)
                let states = try await files.fleet.sql("SELECT state, count(*) FROM chat_files GROUP BY 1 ORDER BY 1")
                #expect(states.all.map { "\($0.string(0)) \($0.int(1))" } == ["doomed 3", "stored 3"])
            }
        }

        @Test("A key that the store does not know keeps no file")
        func wrongKey() async throws {
            try await withBucket(changing: ["CHAT_FILES_S3_SECRET_KEY": "wrong"]) { files, _ in
                let (id, token) = try await files.fleet.create()
                let response = try await files.api.upload(UploadForm().file("a", "a"), to: id, bearer: token)
                #expect(response.status == 503)
                #expect(response.json["error"]?.string == "file store unavailable — retry shortly")
                #expect(files.notifier.output.contains("SignatureDoesNotMatch"))
                #expect(!files.notifier.output.contains("\"wrong\""))
            }
        }
    }
}
