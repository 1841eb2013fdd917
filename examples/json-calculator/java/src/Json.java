import java.util.HashMap;
import java.util.Map;

/** A JSON value (RFC 8259): the whole number that it is, if it is one that fits. */
final class Json {
    private static final int DEPTH_MAX = 64;
    private static final Json OTHER = new Json(null);

    /** The number, or null. */
    final Long whole;

    private Json(Long whole) {
        this.whole = whole;
    }

    /** The members of an object that is all of the text, of several of one name the last; or null. */
    static Map<String, Json> object(String text) {
        Reader reader = new Reader(text);
        try {
            return reader.object();
        } catch (Malformed malformed) {
            return null;
        }
    }

    /** That a text is no JSON. */
    private static final class Malformed extends Exception {}

    private static final class Reader {
        private static final char END = '\0';

        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        Map<String, Json> object() throws Malformed {
            space();
            check(peek() == '{');
            Map<String, Json> members = members(0);
            space();
            check(at == text.length());
            return members;
        }

        /** Any value, and the white space around it. */
        private Json value(int depth) throws Malformed {
            check(depth <= DEPTH_MAX);
            space();
            Json read = OTHER;
            switch (peek()) {
                case '{':
                case '[':
                    members(depth);
                    break;
                case '"':
                    string();
                    break;
                case 't':
                    word("true");
                    break;
                case 'f':
                    word("false");
                    break;
                case 'n':
                    word("null");
                    break;
                default:
                    read = number();
            }
            space();
            return read;
        }

        /** The members of an object, or of an array, which have no names. */
        private Map<String, Json> members(int depth) throws Malformed {
            boolean isObject = peek() == '{';
            char closing = isObject ? '}' : ']';
            Map<String, Json> members = new HashMap<>();
            at++;
            space();
            if (take(closing)) {
                return members;
            }
            do {
                String name = "";
                if (isObject) {
                    space();
                    name = string();
                    space();
                    check(take(':'));
                }
                members.put(name, value(depth + 1));
            } while (take(','));
            check(take(closing));
            return members;
        }

        private String string() throws Malformed {
            check(take('"'));
            StringBuilder string = new StringBuilder();
            for (;;) {
                char first = next();
                if (first == '"') {
                    return string.toString();
                }
                check(first >= ' ');
                string.append(first == '\\' ? escape() : first);
            }
        }

        private char escape() throws Malformed {
            char escaped = next();
            if (escaped != 'u') {
                int place = "\"\\/bfnrt".indexOf(escaped);
                check(place >= 0);
                return "\"\\/\b\f\n\r\t".charAt(place);
            }
            int code = 0;
            for (int count = 0; count < 4; count++) {
                int digit = Character.digit(next(), 16);
                check(digit >= 0);
                code = code * 16 + digit;
            }
            return (char) code;
        }

        private Json number() throws Malformed {
            int start = at;
            take('-');
            boolean isZero = peek() == '0';
            int count = digits();
            check(count > 0 && !(count > 1 && isZero));
            boolean isWhole = true;
            if (take('.')) {
                isWhole = false;
                check(digits() > 0);
            }
            if (take('e') || take('E')) {
                isWhole = false;
                if (!take('+')) {
                    take('-');
                }
                check(digits() > 0);
            }
            try {
                return isWhole ? new Json(Long.parseLong(text.substring(start, at))) : OTHER;
            } catch (NumberFormatException tooLarge) {
                return OTHER;
            }
        }

        private int digits() {
            int start = at;
            while (peek() >= '0' && peek() <= '9') {
                at++;
            }
            return at - start;
        }

        private void word(String word) throws Malformed {
            check(text.startsWith(word, at));
            at += word.length();
        }

        private void space() {
            while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') {
                at++;
            }
        }

        private boolean take(char wanted) {
            if (peek() != wanted) {
                return false;
            }
            at++;
            return true;
        }

        private char next() throws Malformed {
            check(at < text.length());
            return text.charAt(at++);
        }

        private char peek() {
            return at < text.length() ? text.charAt(at) : END;
        }

        private static void check(boolean holds) throws Malformed {
            if (!holds) {
                throw new Malformed();
            }
        }
    }
}
