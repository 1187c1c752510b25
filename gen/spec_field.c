/* spec_field: the fields of a Lua table. See spec_parts.h. */
#include "spec_parts.h"

#include <string.h>

double number_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    check_bug(lua_type(L, -1) == LUA_TNUMBER);
    double value = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return value;
}

int whole_field(lua_State *L, const char *name)
{
    return (int)number_field(L, name);
}

double number_or(lua_State *L, const char *name, double absent)
{
    bool there = lua_getfield(L, -1, name) != LUA_TNIL;
    lua_pop(L, 1);
    return there ? number_field(L, name) : absent;
}

bool flag_field(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

const char *text_field(lua_State *L, struct job *job, const char *name)
{
    lua_getfield(L, -1, name);
    const char *value =
        lua_type(L, -1) == LUA_TSTRING ? arena_copy(job->arena, lua_tostring(L, -1)) : NULL;
    lua_pop(L, 1);
    return value;
}

struct where where_field(lua_State *L)
{
    return vm_where(L, (int64_t)number_field(L, "at"));
}

bool text_is(lua_State *L, const char *name, const char *word)
{
    bool is = lua_getfield(L, -1, name) == LUA_TSTRING && strcmp(lua_tostring(L, -1), word) == 0;
    lua_pop(L, 1);
    return is;
}

bool enter_table(lua_State *L, const char *name)
{
    if (lua_getfield(L, -1, name) == LUA_TTABLE)
        return true;
    lua_pop(L, 1);
    return false;
}

void leave_table(lua_State *L)
{
    lua_pop(L, 1);
}

int numbers_field(lua_State *L, const char *name, double *values, int most)
{
    if (!enter_table(L, name))
        return 0;
    int count = (int)lua_rawlen(L, -1);
    check_bug(count <= most);
    for (int i = 0; i < count; i++) {
        lua_rawgeti(L, -1, i + 1);
        values[i] = lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    leave_table(L);
    return count;
}

bool pair_field(lua_State *L, const char *name, int *h, int *w)
{
    double values[2];
    if (numbers_field(L, name, values, 2) != 2)
        return false;
    *h = (int)values[0];
    *w = (int)values[1];
    return true;
}

bool padding_field(lua_State *L, int *top, int *left, int *bottom, int *right)
{
    double sides[4];
    if (numbers_field(L, "pad", sides, 4) != 4)
        return false;
    *top = (int)sides[0];
    *left = (int)sides[1];
    *bottom = (int)sides[2];
    *right = (int)sides[3];
    return true;
}

int word_field(lua_State *L, const char *const *words, int count)
{
    lua_getfield(L, -1, "word");
    const char *word = lua_tostring(L, -1);
    int found = -1;
    for (int i = 0; i < count; i++)
        if (word && strcmp(word, words[i]) == 0)
            found = i;
    lua_pop(L, 1);
    check_bug(found >= 0);
    return found;
}
