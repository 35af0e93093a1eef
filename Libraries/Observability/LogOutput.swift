import Glibc

/// Where log lines go.
package enum LogOutput: Sendable {
    case standardError
    case discard
    /// Calls a function with every whole line, its newline included. For tests and for programs that keep their log.
    case handler(@Sendable ([UInt8]) -> Void)

    var isEnabled: Bool {
        if case .discard = self { return false }
        return true
    }

    /// Writes a line in one `write(2)`, which keeps lines of several threads and processes apart (pipes promise this up
    /// to PIPE_BUF, files opened for appending always). A line that does not fit into the pipe is cut or dropped when
    /// the descriptor is non-blocking: logging must not block the service.
    func write(_ line: [UInt8]) {
        switch self {
        case .discard: break
        case .handler(let handler): handler(line)
        case .standardError:
            line.withUnsafeBytes { bytes in
                var written = 0
                while written < bytes.count {
                    let count = Glibc.write(STDERR_FILENO, bytes.baseAddress! + written, bytes.count - written)
                    if count > 0 {
                        written += count
                    } else if errno != EINTR {
                        break
                    }
                }
            }
        }
    }
}
