/// Text of a log as it can be shown: whatever its writer was, or whoever changed it since.
///
/// What our writer wrote is shown as it stands, its escapes too; control characters, characters that steer the
/// direction of text and what is not UTF-8 become escapes of the same form.
public enum TerminalText {
    /// - Parameter limit: In characters; what is longer ends in `…`.
    public static func of(_ text: String, limit: Int = 4096) -> String {
        var shown = ""
        var count = 0
        for scalar in text.unicodeScalars {
            if count == limit { return shown + "…" }
            count += 1
            if scalar == "\\" {
                shown.unicodeScalars.append(scalar)
                continue
            }
            switch scalar.properties.generalCategory {
            // U+200D and its like join what people write; alone they show nothing, and change nothing around them.
            case .format where scalar.value == 0x200d || scalar.value == 0x200c:
                shown.unicodeScalars.append(scalar)
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                for byte in String(scalar).utf8 {
                    shown += "\\x"
                    shown.unicodeScalars.append(Unicode.Scalar(AuditText.hexDigit(byte >> 4)))
                    shown.unicodeScalars.append(Unicode.Scalar(AuditText.hexDigit(byte & 15)))
                }
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}
