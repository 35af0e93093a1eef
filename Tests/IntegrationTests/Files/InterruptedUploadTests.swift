import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension RegistryProcessTests {
    /// Uploads that do not come to their end, and what they cost while they last.
    @Suite("Interrupted uploads", .serialized)
    struct InterruptedUploadTests {
        /// Sends the head and a half of an upload, and waits until the service holds it.
        private func half(_ files: FileFleet, _ id: String, _ token: String) async throws -> SlowUpload {
            let body = UploadForm().file("half.bin", [UInt8](repeating: 7, count: 2 << 20)).body
            let port = files.notifier.port
            let client = try await onThread {
                let client = try SlowUpload(port: port, workspace: id, bearer: token, length: body.count)
                client.send(Array(body[..<(1 << 20)]))
                return client
            }
            try await eventually("the upload to arrive") { try await spooled(files) == body.count }
            return client
        }

        private func spooled(_ files: FileFleet) async throws -> Int? {
            let metrics = try await files.api.call(.get, "/metrics", bearer: nil).text
            let line = metrics.split(separator: "\n").first { $0.hasPrefix("switchyard_upload_bytes ") }
            return line?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) }
        }

        private func expectNothing(_ files: FileFleet) async throws {
            #expect(try await files.rowCount() == 0)
            #expect(files.storedFiles() == [])
            #expect(try files.spooledFiles() == [])
        }

        @Test("A client that goes away half way leaves nothing")
        func clientGone() async throws {
            try await FileFleet.with { files in
                let (id, token) = try await files.fleet.create()
                let client = try await half(files, id, token)
                client.hangUp()
                try await eventually("the upload to be given up") { try await spooled(files) == 0 }
                try await expectNothing(files)
                #expect(
                    try await files.api.upload(UploadForm().file("a", "a"), to: id, bearer: token).status == 200)
            }
        }

        @Test("An instance that is killed half way leaves nothing, and the next one takes the same again")
        func killed() async throws {
            try await FileFleet.with { files in
                let (id, token) = try await files.fleet.create()
                let client = try await half(files, id, token)
                await files.notifier.kill9()
                try await expectNothing(files)
                #expect(client.receive().isEmpty)
                let next = try await files.fleet.launch("notifier", port: files.notifier.port)
                #expect(
                    try await files.api.upload(UploadForm().file("a", "a"), to: id, bearer: token).status == 200)
                await next.kill9()
            }
        }

        @Test("Uploads at once are counted: by workspace, and all of them")
        func concurrency() async throws {
            let settings = ["NOTIFIER_UPLOADS": "3", "NOTIFIER_UPLOADS_PER_WORKSPACE": "2"]
            try await FileFleet.with(environment: settings) { files in
                let (own, other) = (try await files.fleet.create(), try await files.fleet.create())
                let third = try await files.fleet.create()
                var clients: [SlowUpload] = []
                func begin(_ workspace: (id: String, token: String)) async throws {
                    let port = files.notifier.port
                    clients.append(
                        try await onThread {
                            try SlowUpload(port: port, workspace: workspace.id, bearer: workspace.token, length: 1000)
                        })
                    let count = clients.count
                    try await eventually("the upload to begin") { try await spooled(files) == 1000 * count }
                }
                try await begin(own)
                try await begin(own)
                let form = UploadForm().file("a", "a")
                let refused = try await files.api.upload(form, to: own.id, bearer: own.token)
                #expect(refused.status == 429 && refused.headers["retry-after"] != nil)
                try await begin(other)
                #expect(try await files.api.upload(form, to: third.id, bearer: third.token).status == 503)
                for client in clients { client.hangUp() }
                try await eventually("all to be given up") { try await spooled(files) == 0 }
                #expect(try await files.api.upload(form, to: own.id, bearer: own.token).status == 200)
            }
        }

        @Test("50 MiB up and down take no more memory than little")
        func memory() async throws {
            try await FileFleet.with { files in
                let (id, token) = try await files.fleet.create()
                _ = try await files.api.upload(UploadForm().file("warm", "up"), to: id, bearer: token)
                let before = try ProcessMemory.peak(files.notifier)
                let content = [UInt8](repeating: 0x5A, count: 25 << 20)
                let form = UploadForm().file("one.bin", content).file("two.bin", content)
                let response = try await files.api.upload(form, to: id, bearer: token)
                #expect(response.status == 200, "\(response.text)")
                let uploaded = try ProcessMemory.peak(files.notifier)
                #expect(uploaded - before < 16 << 20, "\((uploaded - before) >> 20) MiB for an upload of 50 MiB")
                for entry in response.json["files"]?.array ?? [] {
                    let file = try await files.api.download(path(ofUpload: entry), of: id, bearer: token)
                    #expect(file.status == 200 && file.bytes == content)
                }
                // Nor for clients that do not read.
                let place = path(ofUpload: response.json["files"]?[0])
                let lazy = try (0..<8).map { _ in
                    try SlowReader(
                        port: files.notifier.port, path: "/workspaces/\(id)/chat/download?path=\(place)", bearer: token)
                }
                for client in lazy { #expect(try await onThread { client.status() } == 200) }
                let after = try ProcessMemory.peak(files.notifier)
                #expect(after - before < 32 << 20, "\((after - before) >> 20) MiB")
                for client in lazy { client.close() }
            }
        }
    }
}
