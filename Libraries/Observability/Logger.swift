import JSONBytes

/// Writes one JSON object a line: `level`, `ts`, `service`, `msg`, then the variables.
///
/// A value that is cheap to copy and safe to use from any thread. Messages are constant texts, so that lines can be
/// counted and searched by them; variables belong in the metadata, which is not even built for a disabled level.
package struct Logger: Sendable {
    /// Lines below this level are not written.
    package let level: LogLevel
    private let output: LogOutput
    private let service: String
    private let metadata: LogMetadata

    /// - Parameters:
    ///   - service: what the line's `service` says.
    ///   - level: the lowest level that is written.
    ///   - output: where the lines go.
    ///   - metadata: variables of every line.
    package init(
        service: String, level: LogLevel = .info, output: LogOutput = .standardError, metadata: LogMetadata = [:]
    ) {
        self.service = service
        self.level = level
        self.output = output
        self.metadata = metadata
    }

    /// A logger that writes nothing.
    package static let disabled = Logger(service: "", level: .error, output: .discard)

    /// The same logger with more variables in every line.
    package func with(_ more: LogMetadata) -> Logger {
        var all = metadata
        all.merge(more)
        return Logger(service: service, level: level, output: output, metadata: all)
    }

    /// Writes details for debugging.
    package func debug(_ message: StaticString, _ variables: @autoclosure () -> LogMetadata = [:]) {
        log(.debug, message, variables())
    }

    /// Writes a step of the service's lifecycle.
    package func info(_ message: StaticString, _ variables: @autoclosure () -> LogMetadata = [:]) {
        log(.info, message, variables())
    }

    /// Writes what an operator can act on.
    package func warning(_ message: StaticString, _ variables: @autoclosure () -> LogMetadata = [:]) {
        log(.warning, message, variables())
    }

    /// Writes that something was lost or cannot continue.
    package func error(_ message: StaticString, _ variables: @autoclosure () -> LogMetadata = [:]) {
        log(.error, message, variables())
    }

    /// Writes one line if `lineLevel` is enabled.
    package func log(
        _ lineLevel: LogLevel, _ message: StaticString, _ variables: @autoclosure () -> LogMetadata = [:]
    ) {
        guard lineLevel >= level, output.isEnabled else { return }
        var writer = JSONWriter(reservingCapacity: 320)
        writer.beginObject()
        writer.member("level", lineLevel.rawValue)
        writer.member("ts", Timestamp.now.rfc3339)
        writer.member("service", service)
        writer.member("msg", message.description)
        var all = metadata
        all.merge(variables())
        for (key, value) in all.pairs {
            writer.key(key.name)
            writer.write(value)
        }
        writer.endObject()
        output.write(writer.bytes.onOneLine + [0x0A])
    }
}

extension JSONWriter {
    fileprivate mutating func write(_ value: LogValue) {
        switch value {
        case .string(let text): string(text)
        case .int(let number): int(number)
        case .double(let number): double(number)
        case .bool(let flag): bool(flag)
        }
    }
}
