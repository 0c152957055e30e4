# What the benchmark of the heap has perl do: hashes of lists, strings that grow, sorting, patterns.
use strict;
use warnings;

my $seed = 1;
sub some { $seed = ($seed * 1103515245 + 12345) % 2147483648; return int($seed / 65536) % shift }

my (%places, @lines);
for my $number (1 .. 40000) {
    my $line = join ' ', map { 'word' . some(5000) } 1 .. 8;
    push @lines, $line;
    push @{ $places{$_} }, $number for split / /, $line;
}
my @sorted = sort { @{ $places{$b} } <=> @{ $places{$a} } || $a cmp $b } keys %places;

my $text = '';
$text .= uc($_) . "\n" for @lines;
my $pairs = 0;
$pairs++ while $text =~ /WORD(\d)(\d+) WORD\1(\d+)/g;

my %tree;
for my $line (@lines) {
    my ($first, $second, @rest) = split / /, $line;
    $tree{$first}{$second} = { count => scalar @rest, text => "@rest[0 .. 2]", list => [@rest] };
}
delete $tree{$_} for grep { /[02468]$/ } keys %tree;
print join(' ', $sorted[0], scalar(@sorted), length $text, $pairs, scalar keys %tree), "\n";
