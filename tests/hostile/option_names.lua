-- Names of options that are none.
-- expect: rejected
return {
    options = {
        ["\27[2J"] = { type = "integer", default = 1 },
        ["</script>"] = { type = "integer", default = 1 },
        [("x"):rep(5000)] = { type = "integer", default = 1 },
    },
}
