import HTTPServer

/// What a request shows of who makes it.
enum Credential {
    case bearer(String)
    /// The console's cookie. A browser sends it whoever made the request, so that it counts for people's routes only.
    case session(String)

    var isSession: Bool {
        if case .session = self { true } else { false }
    }
}

extension Request {
    /// A bearer comes before a cookie: it was put there on purpose.
    var credential: Credential? {
        bearerToken.map { .bearer($0) } ?? sessionCookie.map { .session($0) }
    }
}
