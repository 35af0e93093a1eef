import Foundation
import HTTPCore
import JSONBytes
import TestSupport

/// A form as clients send it.
struct UploadForm: Sendable {
    static let type = "multipart/form-data; boundary=boundary-of-the-test"
    private var bytes: [UInt8] = []

    /// Adds a part.
    ///
    /// - Parameters:
    ///   - disposition: what follows `form-data`, for instance `; name="files"; filename="a.txt"`.
    ///   - type: its `Content-Type`; nil for none.
    func adding(_ disposition: String, type: String? = nil, _ content: [UInt8]) -> UploadForm {
        var form = self
        let typeField = type.map { "Content-Type: \($0)\r\n" } ?? ""
        form.bytes += Array(
            "--boundary-of-the-test\r\nContent-Disposition: form-data\(disposition)\r\n\(typeField)\r\n".utf8)
        form.bytes += content + Array("\r\n".utf8)
        return form
    }

    func file(_ name: String, type: String? = nil, _ content: [UInt8]) -> UploadForm {
        adding("; name=\"files\"; filename=\"\(name)\"", type: type, content)
    }

    func file(_ name: String, type: String? = nil, _ content: String) -> UploadForm {
        file(name, type: type, Array(content.utf8))
    }

    /// The body with its final boundary.
    var body: [UInt8] { bytes + Array("--boundary-of-the-test--\r\n".utf8) }
    /// The body without it.
    var unfinished: [UInt8] { bytes }
}

extension API {
    func upload(_ form: UploadForm, to workspace: String, bearer: String?) async throws -> ReceivedResponse {
        try await raw(
            .post, "/workspaces/\(workspace)/chat/uploads", bearer: bearer, body: form.body, type: UploadForm.type,
            headers: [])
    }

    func download(
        _ path: String, of workspace: String, bearer: String?, method: HTTPMethod = .get, headers: HTTPHeaders = [:]
    ) async throws -> ReceivedResponse {
        let encoded =
            path.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "/"))) ?? ""
        return try await call(
            method, "/workspaces/\(workspace)/chat/download?path=\(encoded)", bearer: bearer, headers: headers)
    }
}

/// The uploaded file that an entry of an upload's response is about.
func path(ofUpload entry: JSONValue?) -> String {
    let uri = entry?["uri"]?.string ?? ""
    return uri.hasPrefix("workspace:") ? String(uri.dropFirst("workspace:".count)) : ""
}

/// A client that sends an upload piece by piece, and may stop anywhere.
///
/// `@unchecked Sendable`: used by one task at a time.
final class SlowUpload: @unchecked Sendable {
    private let descriptor: Int32

    /// Sends a request's head.
    ///
    /// - Parameter length: bytes that are announced.
    init(port: UInt16, workspace: String, bearer: String, length: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard LoopbackAddress.with(port, { connect(descriptor, $0, $1) }) == 0 else {
            throw TimedOut("no connection to \(port)")
        }
        send(
            Array(
                """
                POST /workspaces/\(workspace)/chat/uploads HTTP/1.1\r
                Host: localhost\r
                Authorization: Bearer \(bearer)\r
                Content-Type: \(UploadForm.type)\r
                Content-Length: \(length)\r
                \r

                """.utf8))
    }

    deinit { Foundation.close(descriptor) }

    /// - Returns: false when the server took not all of it.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// Everything that comes up to the end of the connection, or up to a text.
    func receive(until wanted: String? = nil) -> String {
        var (text, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
        while wanted.map({ !String(decoding: text, as: UTF8.self).contains($0) }) ?? true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Closes without sending more.
    func hangUp() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
