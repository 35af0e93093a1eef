import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension RegistryProcessTests {
    /// Files of chats whose workspaces have containers, on a real engine.
    @Suite("Chat files in containers", .serialized)
    struct ContainerFileTests {
        @Test("Uploads are in the container, and what is there can be downloaded: regular files without links alone")
        func container() async throws {
            try await EngineFleet.with(["registry", "sweeper", "notifier"]) { engine in
                let api = engine.fleet.apis[2]
                let id = try await engine.started()
                let bearer = Platform.adminToken
                let large = (0..<(2 << 20) + 3).map { UInt8(truncatingIfNeeded: $0 &* 11) }
                let form = UploadForm().file("a b.txt", type: "text/plain", "0123456789").file("large.bin", large)
                    .file(String(repeating: "n", count: 120) + ".txt", "long")
                let response = try await api.upload(form, to: id, bearer: bearer)
                #expect(response.status == 200, "\(response.text)")
                let entries = response.json["files"]?.array ?? []
                let place = path(ofUpload: entries.first)
                #expect(try await engine.podman.control("exec", engine.name(id), "cat", place) == "0123456789")
                for (entry, content) in zip(entries, [Array("0123456789".utf8), large, Array("long".utf8)]) {
                    let file = try await api.download(path(ofUpload: entry), of: id, bearer: bearer)
                    #expect(file.status == 200 && file.bytes == content)
                }
                let part = try await api.download(place, of: id, bearer: bearer, headers: ["Range": "bytes=8-"])
                #expect(part.status == 206 && part.text == "89" && part.headers["etag"]?.hasPrefix("W/") == true)

                let head = try await api.download(place, of: id, bearer: bearer, method: .head)
                #expect(head.status == 200 && head.headers["content-length"] == "10")
                let known: HTTPHeaders = ["If-None-Match": part.headers["etag"] ?? ""]
                #expect(try await api.download(place, of: id, bearer: bearer, headers: known).status == 304)
                #expect(head.headers["etag"] == part.headers["etag"])

                _ = try await engine.podman.control(
                    "exec", engine.name(id), "/bin/sh", "-c",
                    """
                    cd /workspace && printf made >'ü (1).html' && ln -s /configs/.auth_token link && ln -s /configs folder && mkdir d
                    """)
                let made = try await api.download("/workspace/ü (1).html", of: id, bearer: bearer)
                #expect(made.text == "made" && made.headers["content-type"] == "application/octet-stream")
                #expect(
                    made.headers["content-disposition"]
                        == "attachment; filename=\"_ (1).html\"; filename*=UTF-8''%C3%BC%20%281%29.html")
                let secret = try await api.download("/configs/.auth_token", of: id, bearer: bearer)
                #expect(secret.status == 200)
                for bad in ["/workspace/link", "/workspace/folder/.auth_token", "/workspace/d", "/etc/passwd"] {
                    let refused = try await api.download(bad, of: id, bearer: bearer)
                    #expect(refused.status == 400 && refused.json["field"]?.string == "path", "\(bad)")
                }
                #expect(try await api.download("/workspace/none", of: id, bearer: bearer).status == 404)

                // One that has no container any more.
                _ = try await engine.podman.control("rm", "--force", "--time", "0", engine.name(id))
                #expect(try await api.download(place, of: id, bearer: bearer).status == 404)
                let nowhere = try await api.upload(form, to: id, bearer: bearer)
                #expect(nowhere.status == 404 && nowhere.json["error"]?.string == "workspace container not found")
                // An agent of its owner's has none, and there is no other place here.
                let external = try await engine.fleet.create()
                #expect(try await api.upload(form, to: external.id, bearer: external.token).status == 503)
            }
        }
    }
}
