import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension RegistryProcessTests {
    /// Files of chats in a folder, over HTTP.
    @Suite("Chat files", .serialized)
    struct ChatFileTests {
        @Test("Uploads are listed under reduced names, and come back the same, also from another instance")
        func roundTrip() async throws {
            try await FileFleet.with { files in
                let (id, token) = try await files.fleet.create()
                let large = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
                let form = UploadForm().file("../ü report.txt", type: "Text/Plain", "hello")
                    .adding("; name=\"note\"", Array("not a file".utf8))
                    .file("data.bin", large).file("empty.png", [])
                    .adding("; name=\"files\"; filename=\"\"", type: "application/octet-stream", [])
                    .adding("; name=\"files\"; filename*=UTF-8''na%C3%AFve.html", type: "text/html", Array("<b>".utf8))
                let response = try await files.api.upload(form, to: id, bearer: token)
                #expect(response.status == 200, "\(response.text)")
                let entries = response.json["files"]?.array ?? []
                #expect(entries.map { $0["name"]?.string } == ["__report.txt", "data.bin", "empty.png", "na_ve.html"])
                #expect(
                    entries.map { $0["mimeType"]?.string } == [
                        "text/plain", "application/octet-stream", "image/png", "text/html",
                    ])
                #expect(entries.map { $0["size"]?.int } == [5, large.count, 0, 3])
                for entry in entries {
                    let stored = try #require(path(ofUpload: entry).split(separator: "/").last)
                    #expect(path(ofUpload: entry) == "/workspace/.molecule/chat-uploads/\(stored)")
                    #expect(stored.count == 33 + (entry["name"]?.string?.count ?? 0))
                }
                let other = try await files.fleet.launch("notifier")
                let second = API(baseURL: other.baseURL)
                for (entry, content) in zip(entries, [Array("hello".utf8), large, [], Array("<b>".utf8)]) {
                    for api in [files.api, second] {
                        let file = try await api.download(path(ofUpload: entry), of: id, bearer: token)
                        #expect(file.status == 200 && file.bytes == content)
                    }
                }
                second.close()
                await other.kill9()
                #expect(files.storedFiles().count == 4)
                #expect(try files.spooledFiles() == [])
            }
        }

        @Test("Downloads have headers that no browser runs anything for, ranges, and tags")
        func headers() async throws {
            try await FileFleet.with { files in
                let (id, token) = try await files.fleet.create()
                let form = UploadForm().file("page.svg", type: "image/svg+xml", "0123456789").file("a.png", "x")
                let response = try await files.api.upload(form, to: id, bearer: token)
                let place = path(ofUpload: response.json["files"]?[0])
                func get(_ headers: HTTPHeaders = [:], _ method: HTTPMethod = .get) async throws -> API.ReceivedResponse
                {
                    try await files.api.download(place, of: id, bearer: token, method: method, headers: headers)
                }
                let whole = try await get()
                let tag = try #require(whole.headers["etag"])
                #expect(whole.text == "0123456789" && whole.headers["content-length"] == "10")
                #expect(whole.headers["content-type"] == "application/octet-stream")
                #expect(
                    whole.headers["content-disposition"]
                        == "attachment; filename=\"page.svg\"; filename*=UTF-8''page.svg")
                #expect(whole.headers.values("x-content-type-options") == ["nosniff"])
                #expect(whole.headers.values("content-security-policy").first?.hasPrefix("sandbox;") == true)
                #expect(whole.headers["cache-control"] == "private, no-cache")
                #expect(whole.headers["accept-ranges"] == "bytes")
                let image = try await files.api.download(
                    path(ofUpload: response.json["files"]?[1]), of: id, bearer: token)
                #expect(image.headers["content-type"] == "image/png")

                let head = try await get(["Range": "bytes=0-1"], .head)
                #expect(head.status == 200 && head.headers["content-length"] == "10" && head.bytes.isEmpty)
                for (range, body, contentRange) in [
                    ("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=-3", "789", "bytes 7-9/10"),
                    ("bytes=9-", "9", "bytes 9-9/10"), ("bytes=0-99", "0123456789", "bytes 0-9/10"),
                ] {
                    let part = try await get(["Range": range])
                    #expect(part.status == 206 && part.text == body && part.headers["content-range"] == contentRange)
                    #expect(part.headers["content-length"] == "\(body.count)" && part.headers["etag"] == tag)
                }
                for headers: HTTPHeaders in [
                    ["Range": "bytes=0-1,3-4"], ["Range": "lines=0-1"],
                    ["Range": "bytes=0-1", "If-Range": "\"other\""],
                ] {
                    let all = try await get(headers)
                    #expect(all.status == 200 && all.text == "0123456789")
                }
                #expect(try await get(["Range": "bytes=0-1", "If-Range": tag]).status == 206)
                let none = try await get(["Range": "bytes=10-"])
                #expect(none.status == 416 && none.headers["content-range"] == "bytes */10")
                #expect(none.json["field"]?.string == "Range")
                let same = try await get(["If-None-Match": tag])
                #expect(same.status == 304 && same.bytes.isEmpty && same.headers["etag"] == tag)
            }
        }

        @Test("No caller reaches another workspace's files, and none are where there is no workspace")
        func access() async throws {
            try await FileFleet.with { files in
                let (own, other) = (try await files.fleet.create(), try await files.fleet.create())
                let form = UploadForm().file("a.txt", "a")
                let place = path(
                    ofUpload: try await files.api.upload(form, to: own.id, bearer: own.token).json["files"]?[0])
                #expect(try await files.api.download(place, of: own.id, bearer: other.token).status == 401)
                #expect(try await files.api.download(place, of: own.id, bearer: nil).status == 401)
                #expect(try await files.api.download(place, of: other.id, bearer: other.token).status == 404)
                #expect(try await files.api.download(place, of: own.id, bearer: Platform.adminToken).status == 200)
                #expect(try await files.api.upload(form, to: own.id, bearer: other.token).status == 401)
                #expect(try await files.api.upload(form, to: own.id, bearer: nil).status == 401)

                let unknown = UUID().uuidString.lowercased()
                for (workspace, sentence) in [(unknown, "workspace not found"), (own.id, "file not found")] {
                    let response = try await files.api.download(
                        "/workspace/.molecule/chat-uploads/\(String(repeating: "0", count: 32))-a", of: workspace,
                        bearer: Platform.adminToken)
                    #expect(response.status == 404 && response.json["error"]?.string == sentence)
                }
                #expect(try await files.api.upload(form, to: unknown, bearer: Platform.adminToken).status == 404)
                // Without a container nothing else is there.
                #expect(
                    try await files.api.download("/configs/.auth_token", of: own.id, bearer: own.token).status == 404)
                for bad in ["/etc/passwd", "/workspace/../etc/passwd", "workspace/a", "/workspace/%2e%2e/a", ""] {
                    let response = try await files.api.download(bad, of: own.id, bearer: own.token)
                    #expect(response.status == 400 && response.json["field"]?.string == "path", "\(bad)")
                }
                try await files.fleet.remove(own.id)
                #expect(try await files.api.download(place, of: own.id, bearer: Platform.adminToken).status == 404)
                #expect(try await files.api.upload(form, to: own.id, bearer: Platform.adminToken).status == 404)
            }
        }

        @Test("What is refused leaves nothing behind")
        func refusals() async throws {
            try await FileFleet.with { files in
                let (id, token) = try await files.fleet.create()
                func post(_ body: [UInt8], type: String = UploadForm.type) async throws -> API.ReceivedResponse {
                    try await files.api.raw(
                        .post, "/workspaces/\(id)/chat/uploads", bearer: token, body: body, type: type, headers: [])
                }
                let form = UploadForm().file("a.txt", "a")
                #expect(try await post(form.body, type: "application/json").status == 415)
                #expect(try await post(form.body, type: "multipart/form-data").status == 415)
                for (body, reason) in [
                    (UploadForm().body, "must be one file at least"),
                    (UploadForm().adding("; name=\"other\"; filename=\"a\"", [1]).body, "must be one file at least"),
                    (UploadForm().adding("; name=\"files\"", [1]).body, "must be one file at least"),
                    (form.unfinished, "the final boundary is missing"),
                    (form.adding("", [1]).body, "a part has no name"),
                    (Array(String(repeating: "x", count: 5000).utf8), "the body does not begin with the boundary"),
                    ([], "the final boundary is missing"),
                ] {
                    let response = try await post(body)
                    #expect(response.status == 400 && response.json["reason"]?.string == reason, "\(response.text)")
                }
                var many = UploadForm()
                for index in 0..<51 { many = many.file("\(index)", "x") }
                let tooMany = try await post(many.body)
                #expect(tooMany.status == 413 && tooMany.json["limit"]?.int == 50)
                #expect(try await files.rowCount() == 0)
                #expect(files.storedFiles() == [])
                #expect(try files.spooledFiles() == [])
            }
        }

        @Test("Too much is refused as soon as it is: a file by its name, all of them by their sum")
        func tooLarge() async throws {
            try await FileFleet.with { files in
                let (id, token) = try await files.fleet.create()
                let piece = [UInt8](repeating: 0x61, count: 1 << 20)
                func response(files count: Int, mebibytes: Int) async throws -> String {
                    let (port, token) = (files.notifier.port, token)
                    return try await onThread {
                        let client = try SlowUpload(port: port, workspace: id, bearer: token, length: 51 << 20)
                        for number in 0..<count {
                            client.send(UploadForm().file("../file \(number).bin", "").unfinished.dropLast(2) + [])
                            for _ in 0..<mebibytes where !client.send(piece) { break }
                            client.send([0x0D, 0x0A])
                        }
                        return client.receive(until: "}")
                    }
                }
                let one = try await response(files: 1, mebibytes: 26)
                #expect(one.hasPrefix("HTTP/1.1 413 "))
                #expect(one.contains(#"{"error":"file too large","file":"file_0.bin","limit":26214400}"#), "\(one)")
                let all = try await response(files: 3, mebibytes: 17)
                #expect(all.hasPrefix("HTTP/1.1 413 ") && all.contains(#""limit":52428800"#), "\(all)")
                #expect(try await files.rowCount() == 0)
                #expect(files.storedFiles() == [])
            }
        }

        @Test("A workspace has no more files, and no more bytes of them, than it may; others are not concerned")
        func quotas() async throws {
            let settings = ["CHAT_FILES_PER_WORKSPACE": "3", "CHAT_FILES_BYTES_PER_WORKSPACE": "\(1 << 20)"]
            try await FileFleet.with(environment: settings) { files in
                let (own, other) = (try await files.fleet.create(), try await files.fleet.create())
                let two = UploadForm().file("a", "a").file("b", "b")
                #expect(try await files.api.upload(two, to: own.id, bearer: own.token).status == 200)
                let over = try await files.api.upload(two, to: own.id, bearer: own.token)
                #expect(over.status == 409 && over.json["field"]?.string == "files")
                let large = UploadForm().file("c", [UInt8](repeating: 1, count: 1 << 20))
                #expect(try await files.api.upload(large, to: own.id, bearer: own.token).status == 409)
                #expect(try await files.api.upload(large, to: other.id, bearer: other.token).status == 200)
                #expect(try await files.rowCount() == 3)
                #expect(files.storedFiles().count == 3)
            }
        }

        @Test("Without a place for files that is said")
        func noStore() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let (id, token) = try await fleet.create()
                let response = try await fleet.apis[1].upload(UploadForm().file("a", "a"), to: id, bearer: token)
                #expect(response.status == 503)
                #expect(
                    response.json["error"]?.string
                        == "no file store is configured for workspaces without a container")
            }
        }
    }
}
