/// The JSON Schema (draft 2020-12) of a policy, made from the declarations that the decoder checks against.
///
/// It accepts every text that the decoder accepts. What no schema can say (which system calls exist, what an
/// address prefix leaves over) is left to `swguard check`.
public enum PolicySchema {
    /// The schema as a JSON document.
    public static func json() -> String {
        var schema: [(String, JSON)] = [
            ("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            ("$id", .string("urn:swguard:policy:v1")),
            ("title", .string("swguard policy")),
        ]
        guard case .object(let body) = value(.object(PolicyShape.document)) else { return "" }
        schema += body
        return JSON.object(schema).indentedText + "\n"
    }

    private static func value(_ shape: Shape) -> JSON {
        switch shape {
        case .flag: return .object([("type", .string("boolean"))])
        case .word(let vocabulary):
            return .object([("enum", .array(vocabulary.words.map { .string($0) }))])
        case .text(let text):
            // Editors read `user: 33` as a number; for a policy it is text.
            let types = ["string", "number", "boolean"].map { JSON.string($0) }
            var fields: [(String, JSON)] = [("type", .array(types))]
            if let pattern = text.pattern { fields.append(("pattern", .string(pattern))) }
            return .object(fields)
        case .list(let list):
            var fields: [(String, JSON)] = [("type", .string("array")), ("items", value(list.item))]
            if !list.mayBeEmpty { fields.append(("minItems", .int(1))) }
            // A name stands in a list once; two rules may read the same.
            switch list.item {
            case .text, .word: if !list.mayRepeat { fields.append(("uniqueItems", .bool(true))) }
            default: break
            }
            if !list.mayBeAll { return .object(fields) }
            return .object([("anyOf", .array([.object([("const", .string("all"))]), .object(fields)]))])
        case .object(let object): return .object(body(of: object))
        }
    }

    private static func body(of object: ObjectShape) -> [(String, JSON)] {
        var fields: [(String, JSON)] = [("type", .string("object"))]
        let properties = object.fields.map { field -> (String, JSON) in
            guard case .object(let body) = value(field.shape) else { return (field.key, .bool(true)) }
            return (field.key, .object([("description", .string(field.summary))] + body))
        }
        fields.append(("properties", .object(properties)))
        let required = object.fields.filter(\.isRequired).map { JSON.string($0.key) }
        if !required.isEmpty { fields.append(("required", .array(required))) }
        fields.append(("additionalProperties", .bool(false)))
        let constraints = object.constraints.map { schema(of: $0) }
        if !constraints.isEmpty { fields.append(("allOf", .array(constraints))) }
        return fields
    }

    private static func schema(of constraint: ObjectShape.Constraint) -> JSON {
        func requires(_ keys: [String]) -> JSON {
            .object([("required", .array(keys.map { .string($0) }))])
        }
        switch constraint {
        case .exactlyOne(let keys): return .object([("oneOf", .array(keys.map { requires([$0]) }))])
        case .needs(let key, let other, _):
            return .object([("dependentRequired", .object([(key, .array([.string(other)]))]))])
        case .excludes(let key, let other, _): return .object([("not", requires([key, other]))])
        case .onlyNames(let key, let lists):
            // With `key`, no item of the lists is a group, and none of them is `all`.
            let names = JSON.object([
                ("type", .string("array")),
                ("items", .object([("not", .object([("pattern", .string("^@"))]))])),
            ])
            return .object([
                ("if", requires([key])),
                ("then", .object([("properties", .object(lists.map { ($0, names) }))])),
            ])
        }
    }
}
