from sonicmini.inference.embedded.ready import tail

LOG = r"""W1123 09:29:56.823321 12696 pinned_memory_manager.cc:273] "Unable to allocate"
E1123 09:29:56.823472 12696 server.cc:241] "CudaDriverHelper has not been initialized."
I1123 09:29:56.824925 12696 model_lifecycle.cc:472] "loading: bad:1"
E1123 09:29:58.420298 12696 model_lifecycle.cc:642] "failed to load 'bad'\n\nAt:\n  model.py(42)"
I1123 09:29:58.420438 12696 server.cc:631]

error: creating server: Internal - failed to load all models
"""


def test_errors_of_the_log_without_the_harmless_ones(tmp_path):
    (tmp_path / "log").write_text(LOG)
    assert tail(tmp_path / "log") == [
        "failed to load 'bad'",
        "creating server: Internal - failed to load all models",
    ]


def test_last_lines_if_there_is_no_error(tmp_path):
    (tmp_path / "log").write_text("\n\n".join(map(str, range(9))))
    assert tail(tmp_path / "log") == ["3", "4", "5", "6", "7", "8"]


def test_nothing_without_a_log(tmp_path):
    assert tail(tmp_path / "log") == []
