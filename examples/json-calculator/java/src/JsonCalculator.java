import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Adds two whole numbers given as JSON, as ../README.md says. */
public final class JsonCalculator {
    private static final int INPUT_BYTES_MAX = 65_536;

    private JsonCalculator() {}

    public static void main(String[] arguments) {
        try {
            System.out.println("{\"sum\": " + add(Wasi.read(INPUT_BYTES_MAX)) + "}");
        } catch (Refusal refusal) {
            System.err.println("json-calculator: " + refusal.getMessage());
            Wasi.exit(1);
        }
    }

    private static long add(byte[] input) throws Refusal {
        if (input.length > INPUT_BYTES_MAX) {
            throw new Refusal("the input is longer than 65536 bytes");
        }
        Map<String, Json> members = Json.object(new String(input, StandardCharsets.UTF_8));
        if (members == null) {
            throw new Refusal("the input is not a JSON object");
        }
        Json first = members.get("firstAddend");
        Json second = members.get("secondAddend");
        if (first == null || second == null) {
            throw new Refusal("`firstAddend` and `secondAddend` must both be there");
        }
        if (first.whole == null || second.whole == null) {
            throw new Refusal("`firstAddend` and `secondAddend` must be whole numbers of 64 bits");
        }
        long sum = first.whole + second.whole;
        // Two of one sign whose sum has the other.
        if (((first.whole ^ sum) & (second.whole ^ sum)) < 0) {
            throw new Refusal("the sum does not fit into 64 bits");
        }
        return sum;
    }

    /** Why there is no sum. */
    private static final class Refusal extends Exception {
        Refusal(String why) {
            super(why);
        }
    }
}
