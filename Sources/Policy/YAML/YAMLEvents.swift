import Clibyaml

/// What libyaml reports, one after the other. Marks are counted in code points from the start of the text.
struct YAMLEvent {
    enum Kind {
        case streamStart, streamEnd
        /// A document begins; with a `%TAG` directive or without.
        case documentStart(hasTagDirectives: Bool)
        case documentEnd
        case alias
        case scalar(String, YAMLNode.Style)
        case sequenceStart, sequenceEnd
        case mappingStart, mappingEnd
    }

    var kind: Kind
    var start: Int
    var end: Int
    /// Whether it begins a list or mapping in brackets or braces.
    var isFlow = false
    var hasAnchor = false
    var hasTag = false
}

/// Why the text is not YAML.
struct YAMLSyntaxError: Error {
    enum Place {
        case codePoint(Int)
        case byte(Int)
    }

    var place: Place
    /// libyaml's words: `did not find expected ',' or ']' while parsing a flow sequence`.
    var text: String
}

/// A libyaml parser over some bytes. Its end frees the parser and the bytes.
@safe
struct YAMLEventStream: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// A parser of `bytes`, which must be UTF-8 without a byte order mark; nil if there is no memory.
    init?(_ bytes: [UInt8]) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            return nil
        }
        let input = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        _ = unsafe input.initialize(fromContentsOf: bytes)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        // The parser reads from `input` until it is deleted, which `deinit` does first.
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
        unsafe self.parser = parser
        unsafe self.input = input
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    /// The next event. After an error or the end of the stream there is none.
    mutating func next() throws(YAMLSyntaxError) -> YAMLEvent {
        var raw = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &raw) == 1 else { throw syntaxError() }
        defer { unsafe yaml_event_delete(&raw) }
        var event = unsafe YAMLEvent(
            kind: .streamEnd, start: Int(raw.start_mark.index), end: Int(raw.end_mark.index))
        switch unsafe raw.type {
        case YAML_STREAM_START_EVENT: event.kind = .streamStart
        case YAML_DOCUMENT_START_EVENT:
            let directives = unsafe raw.data.document_start.tag_directives
            event.kind = unsafe .documentStart(hasTagDirectives: directives.start != directives.end)
        case YAML_DOCUMENT_END_EVENT: event.kind = .documentEnd
        case YAML_ALIAS_EVENT: event.kind = .alias
        case YAML_SCALAR_EVENT:
            let scalar = unsafe raw.data.scalar
            let value = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let style: YAMLNode.Style =
                switch unsafe scalar.style {
                case YAML_PLAIN_SCALAR_STYLE: .plain
                case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
                case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
                default: .block
                }
            event.kind = unsafe .scalar(String(decoding: value, as: UTF8.self), style)
            event.hasAnchor = unsafe scalar.anchor != nil
            event.hasTag = unsafe scalar.tag != nil
        case YAML_SEQUENCE_START_EVENT:
            event.kind = .sequenceStart
            event.isFlow = unsafe raw.data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
            event.hasAnchor = unsafe raw.data.sequence_start.anchor != nil
            event.hasTag = unsafe raw.data.sequence_start.tag != nil
        case YAML_SEQUENCE_END_EVENT: event.kind = .sequenceEnd
        case YAML_MAPPING_START_EVENT:
            event.kind = .mappingStart
            event.isFlow = unsafe raw.data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
            event.hasAnchor = unsafe raw.data.mapping_start.anchor != nil
            event.hasTag = unsafe raw.data.mapping_start.tag != nil
        case YAML_MAPPING_END_EVENT: event.kind = .mappingEnd
        default: event.kind = .streamEnd
        }
        return event
    }

    private func syntaxError() -> YAMLSyntaxError {
        var text = "this is not YAML"
        if let problem = unsafe parser.pointee.problem { text = unsafe String(cString: problem) }
        if let context = unsafe parser.pointee.context { text += unsafe " " + String(cString: context) }
        if unsafe parser.pointee.error == YAML_READER_ERROR {
            return YAMLSyntaxError(place: .byte(unsafe Int(parser.pointee.problem_offset)), text: text)
        }
        if unsafe parser.pointee.error == YAML_MEMORY_ERROR { text = "out of memory" }
        return YAMLSyntaxError(place: .codePoint(unsafe Int(parser.pointee.problem_mark.index)), text: text)
    }
}
