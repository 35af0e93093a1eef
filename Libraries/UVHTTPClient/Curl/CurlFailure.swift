import CCurl
import Foundation

/// libcurl's error codes in our words.
enum CurlFailure {
    static func kind(_ code: CURLcode, systemError: Int32, isConnected: Bool) -> HTTPClientError.Kind {
        switch code {
        // The addresses are given to libcurl: it cannot know that there are none.
        case CURLE_COULDNT_RESOLVE_HOST: .unreachable
        case CURLE_COULDNT_CONNECT: connect(systemError)
        case CURLE_OPERATION_TIMEDOUT: isConnected ? .idleTimeout : .connectTimeout
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS:
            .tls
        // No bytes on a new connection, too few of a body, or a closed one that we may not replace.
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_ABORTED_BY_CALLBACK, CURLE_SEND_FAIL_REWIND, CURLE_OK:
            .endOfFile
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING: .malformed
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT: .invalidRequest
        case CURLE_OUT_OF_MEMORY: .overloaded
        case CURLE_RECV_ERROR where systemError == 0: .malformed
        default: .reset
        }
    }

    private static func connect(_ systemError: Int32) -> HTTPClientError.Kind {
        switch systemError {
        // A unix socket that is not there counts as a closed port, too.
        case ECONNREFUSED, ENOENT: .refused
        case ETIMEDOUT: .connectTimeout
        case EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL: .overloaded
        default: .unreachable
        }
    }
}
