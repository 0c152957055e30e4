/* What gcc compiles hundreds of in the benchmark of the heap, each time with another NUMBER. */
struct row_NUMBER {
    int id;
    const char *name;
    struct row_NUMBER *next;
    double values[NUMBER % 7 + 1];
};
static struct row_NUMBER *rows_NUMBER;

int add_NUMBER(const char *name, double value)
{
    struct row_NUMBER *row = malloc(sizeof *row);
    if (!row)
        return -1;
    row->id = NUMBER;
    row->name = strdup(name);
    for (unsigned i = 0; i < sizeof row->values / sizeof *row->values; i++)
        row->values[i] = value * i + NUMBER;
    row->next = rows_NUMBER;
    rows_NUMBER = row;
    return row->id;
}

double sum_NUMBER(int kind)
{
    double sum = 0;
    for (struct row_NUMBER *row = rows_NUMBER; row; row = row->next)
        switch (kind % 5) {
        case 0:
            sum += row->values[0];
            break;
        case 1:
            sum -= row->values[0] * (NUMBER + 1);
            break;
        case 2:
            printf("%s %d\n", row->name, row->id ^ kind << NUMBER % 16);
            break;
        default:
            sum += strlen(row->name) > NUMBER % 11 ? kind : -kind;
        }
    return sum;
}
