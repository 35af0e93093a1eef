import UVHTTPServer

/// The credential in a request.
enum Credential {
    case bearer(String)
    /// The console's cookie. A browser sends it with requests of any page, so that it counts for people's routes only.
    case session(String)

    var isSession: Bool {
        if case .session = self { true } else { false }
    }
}

extension Request {
    /// A bearer takes precedence over a cookie: it was put there on purpose.
    var credential: Credential? {
        bearerToken.map { .bearer($0) } ?? sessionCookie.map { .session($0) }
    }
}
