-- Hooks call each other and themselves, as plain functions.
-- expect: ends
local policy = {}

function policy.place(self, request, facts)
    return policy.relieve(self, request, facts)
end

function policy.relieve(self, request, facts)
    return policy.place(self, request, facts)
end

return policy
