import HTTPCore
import UVHTTPServer

/// `/` and `/console/assets`: the console's pages.
struct PageRoutes: Sendable {
    /// Only files of this origin, nothing inline.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        + "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

    let pages: ConsolePages

    func add(to router: inout Router) {
        // Served from memory, requested by the dozen.
        let options = RouteOptions(rateLimit: .exempt)
        router.on(.get, "/", options: options) { _ in makeResponse("index.html", cache: "no-cache") }
        router.on(.get, "/console/assets/{version}/{file}", options: options) { request in
            // The URL contains the content's hash. One of another version, during an upgrade, gets the current file,
            // which must not be cached.
            let isCurrent = request.parameters["version"] == pages.version
            return makeResponse(
                request.parameters["file"] ?? "",
                cache: isCurrent ? "public, max-age=31536000, immutable" : "no-store")
        }
    }

    private func makeResponse(_ name: String, cache: String) -> Response {
        guard let page = pages[name] else { return .error(.notFound, "not found") }
        return Response(
            .ok,
            headers: [
                "Content-Type": page.contentType, "Cache-Control": cache, "Content-Security-Policy": Self.policy,
                "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
            ], body: .bytes(page.bytes))
    }
}
