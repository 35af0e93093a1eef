import HTTPCore
import UVHTTPServer

extension Response {
    /// 200 with a text.
    package static func text(_ text: String) -> Response { self.text(.ok, text) }

    package static func text(
        _ status: HTTPStatus, _ text: String, contentType: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(status, headers: HTTPHeaders([("Content-Type", contentType)]), body: .bytes(Array(text.utf8)))
    }
}
