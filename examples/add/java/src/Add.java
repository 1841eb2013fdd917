import org.teavm.interop.Export;

/** The smallest useful spark in Java: one exported function. */
public final class Add {
    private Add() {}

    /** The sum, wrapping around at 32 bits. */
    @Export(name = "add")
    public static int add(int first, int second) {
        return first + second;
    }

    /** A module of functions does nothing by itself. */
    public static void main(String[] arguments) {}
}
