import CYAML

/// libyaml's parser over bytes that outlive it; owns the parser.
final class YAMLEvents {
    enum Event {
        case scalar(String, isPlain: Bool, anchor: String?)
        case sequence(anchor: String?)
        case mapping(anchor: String?)
        case alias(String)
        /// The end of the innermost sequence or mapping, or of the document.
        case close
        /// The end of everything.
        case end
        /// The start of the stream or of a document.
        case other

        var anchor: String? {
            switch self {
            case .scalar(_, _, let anchor), .sequence(let anchor), .mapping(let anchor): anchor
            default: nil
            }
        }
    }

    private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    private let isUsable: Bool

    /// - Parameter input: must stay valid as long as this lives: libyaml reads from it.
    init(_ input: UnsafeBufferPointer<UInt8>) {
        isUsable = yaml_parser_initialize(parser) == 1
        guard isUsable else { return }
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
        // Not guessed from the first bytes.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        if isUsable { yaml_parser_delete(parser) }
        parser.deallocate()
    }

    func next() throws(YAMLError) -> Event {
        guard isUsable else { throw .malformed(problem: "no memory", line: 0) }
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem }
        defer { yaml_event_delete(&event) }
        return Self.event(event)
    }

    private static func event(_ event: yaml_event_t) -> Event {
        switch event.type {
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(
                String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                anchor: text(scalar.anchor))
        case YAML_SEQUENCE_START_EVENT: return .sequence(anchor: text(event.data.sequence_start.anchor))
        case YAML_MAPPING_START_EVENT: return .mapping(anchor: text(event.data.mapping_start.anchor))
        case YAML_ALIAS_EVENT: return .alias(text(event.data.alias.anchor) ?? "")
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT, YAML_DOCUMENT_END_EVENT: return .close
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return .end
        default: return .other
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private var problem: YAMLError {
        let words = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
        return .malformed(problem: words, line: Int(parser.pointee.problem_mark.line) + 1)
    }
}
