"""What a network's file says about its input, and what the user has to say."""

from labelscape.ml_backend.embedding.inspection import Declared, Inspection


def found(declared):
    return Inspection("ONNX", (), None, declared, 0)


def test_what_a_file_does_not_say_has_to_be_said():
    assert found(Declared()).undeclared == ("size", "mean", "std")
    half = found(Declared(size=224, mean=(0.5, 0.5, 0.5), channels="bgr"))
    assert (half.undeclared, half.declared_settings) == (("std",), ("size", "mean", "channels"))


def test_a_network_that_normalizes_bytes_itself_needs_nothing():
    assert found(Declared(raw=True)).undeclared == ()
